// Signals in the moments before the program itself listens: loaded first by
// ./route and ./vnet. Node forgets which signals were ignored when it was
// started; scripts/launch.sh has seen them. A process with pid 1 gets no signal
// that it does not listen for.
"use strict";

var ignored = (process.env.VNET_IGNORED_SIGNALS || "").split(" ");
["SIGHUP", "SIGINT", "SIGTERM"].forEach(function (signal) {
  if (ignored.indexOf(signal) >= 0) process.on(signal, function () {});
  else if (process.pid === 1)
    process.on(signal, function (_name, number) {
      // The program's own listener, or the builder's, knows better.
      if (process.listenerCount(signal) === 1) process.exit(128 + number);
    });
});
