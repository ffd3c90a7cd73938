// Other people's tunnels, where they are installed. None of them could be run
// where this was written: the adapters follow their documentation.

import { findProgram } from "../find-program.mjs";
import { untilAccepting, untilAnswering } from "../ports.mjs";

const KEY = "bench";

/** @param defaults with TLS and multiplexing, which are on unless turned off */
export async function frp(context, defaults) {
  const { children } = context;
  const off = defaults ? "" : "transport.tcpMux = false\n";
  const noTls = defaults ? "" : "transport.tls.enable = false\n";
  const auth = `auth.method = "token"\nauth.token = "${KEY}"\n`;
  const run = (program, text) =>
    children.start(findProgram(program), [
      ...["-c", children.write(`${program}.toml`, auth + off + text)],
    ]);
  return tunnel(context, {
    hub: (port) => run("frps", `bindAddr = "127.0.0.1"\nbindPort = ${port}\n`),
    serve: (link, lines) =>
      run(
        "frpc",
        `serverAddr = "127.0.0.1"\nserverPort = ${link}\n${noTls}` +
          lines
            .map(
              ({ kind, target }) =>
                `[[proxies]]\nname = "${kind}"\ntype = "stcp"\nsecretKey = "${KEY}"\nlocalIP = "127.0.0.1"\nlocalPort = ${target}\n`,
            )
            .join(""),
      ),
    use: (link, lines) =>
      run(
        "frpc",
        `serverAddr = "127.0.0.1"\nserverPort = ${link}\n${noTls}` +
          lines
            .map(
              ({ kind, usePort }) =>
                `[[visitors]]\nname = "${kind}-visitor"\ntype = "stcp"\nserverName = "${kind}"\nsecretKey = "${KEY}"\nbindAddr = "127.0.0.1"\nbindPort = ${usePort}\n`,
            )
            .join(""),
      ),
  });
}

export async function rathole(context) {
  const { children } = context;
  const run = (flag, text) =>
    children.start(findProgram("rathole"), [
      ...[flag, children.write("rathole.toml", text)],
    ]);
  return tunnel(context, {
    hub: (port, lines) =>
      run(
        "--server",
        `[server]\nbind_addr = "127.0.0.1:${port}"\ndefault_token = "${KEY}"\n` +
          lines
            .map(
              ({ kind, hubPort }) =>
                `[server.services.${kind}]\nbind_addr = "127.0.0.1:${hubPort}"\n`,
            )
            .join(""),
      ),
    serve: (link, lines) =>
      run(
        "--client",
        `[client]\nremote_addr = "127.0.0.1:${link}"\ndefault_token = "${KEY}"\n` +
          lines
            .map(
              ({ kind, target }) =>
                `[client.services.${kind}]\nlocal_addr = "127.0.0.1:${target}"\n`,
            )
            .join(""),
      ),
    use: null,
  });
}

export async function chisel(context) {
  const run = (...args) => context.children.start(findProgram("chisel"), args);
  return tunnel(context, {
    hub: (port) =>
      run("server", "--reverse", "--host", "127.0.0.1", "--port", String(port)),
    serve: (link, lines) =>
      run(
        ...["client", `http://127.0.0.1:${link}`],
        ...lines.map(
          ({ hubPort, target }) => `R:127.0.0.1:${hubPort}:127.0.0.1:${target}`,
        ),
      ),
    use: (link, lines) =>
      run(
        ...["client", `http://127.0.0.1:${link}`],
        ...lines.map(
          ({ usePort, hubPort }) => `127.0.0.1:${usePort}:127.0.0.1:${hubPort}`,
        ),
      ),
  });
}

export async function gost(context) {
  const run = (...args) => context.children.start(findProgram("gost"), args);
  return tunnel(context, {
    hub: (port) => run("-L", `relay://127.0.0.1:${port}?bind=true`),
    serve: (link, lines) =>
      run(
        ...lines.flatMap(({ hubPort, target }) => [
          ...["-L", `rtcp://127.0.0.1:${hubPort}/127.0.0.1:${target}`],
        ]),
        ...["-F", `relay://127.0.0.1:${link}`],
      ),
    use: (link, lines) =>
      run(
        ...lines.flatMap(({ usePort, hubPort }) => [
          ...["-L", `tcp://127.0.0.1:${usePort}/127.0.0.1:${hubPort}`],
        ]),
        ...["-F", `relay://127.0.0.1:${link}`],
      ),
  });
}

/** Starts the three in their order; `use: null` where the app dials the hub. */
async function tunnel({ targets, between, ports }, start) {
  const kinds = Object.keys(targets);
  const [port, ...more] = await ports(1 + 2 * kinds.length);
  const lines = kinds.map((kind, i) => ({
    ...{ kind, target: targets[kind] },
    ...{ hubPort: more[2 * i], usePort: more[2 * i + 1] },
  }));
  const hub = start.hub(port, lines);
  await untilAccepting(port, [hub]);
  const link = await between(port);
  const serve = start.serve(link, lines);
  const use = start.use?.(link, lines) ?? null;
  const app = {};
  for (const { kind, hubPort, usePort } of lines)
    app[kind] = use ? usePort : await between(hubPort);
  await untilAnswering(app.answer, use ? [hub, serve, use] : [hub, serve]);
  return {
    ports: app,
    roles: {
      ...(use ? { use: [use.pid] } : {}),
      ...{ hub: [hub.pid], serve: [serve.pid] },
    },
  };
}
