// Signals in the moments before the program itself listens: loaded first by
// ./route and ./vnet. Node forgets which signals were ignored when it was
// started; scripts/launch.sh has seen them. A process with pid 1 gets no signal
// that it does not listen for. SIGHUP asks a service, which has no terminal, to
// read its configuration again: at the start it does that anyway.
"use strict";

var fs = require("fs");

var ignored = (process.env.VNET_IGNORED_SIGNALS || "").split(" ");
if (process.argv.indexOf("--no-hup") >= 0) ignored.push("SIGHUP");
["SIGHUP", "SIGINT", "SIGTERM"].forEach(function (signal) {
  var isForService = signal === "SIGHUP" && !hasTerminal();
  if (ignored.indexOf(signal) >= 0 || isForService)
    process.on(signal, function () {});
  else if (process.pid === 1)
    process.on(signal, function (_name, number) {
      // The program's own listener, or the builder's, knows better.
      if (process.listenerCount(signal) === 1) process.exit(128 + number);
    });
});
// Without a listener Node opens its debugger at this one, on a port of the
// loopback at which every user of the machine can take the process over.
if (process.platform !== "win32") process.on("SIGUSR1", function () {});

function hasTerminal() {
  if (process.platform === "win32") return true;
  try {
    fs.closeSync(fs.openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
