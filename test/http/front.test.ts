import { expect } from "chai";
import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { VnetError } from "../../src/errors.js";
import { dial } from "../../src/net/dial.js";
import { createDuplexPair } from "../../src/net/duplex-pair.js";
import { HttpFront, type HttpFrontOptions } from "../../src/http/front.js";
import type { VisitLimits } from "../../src/http/visit.js";
import { eventually, within } from "../support/deadline.js";
import { Observed, TestServer } from "../support/echo.js";

const FROM = "192.0.2.7:50000";

type Rules = Partial<Pick<HttpFrontOptions, "hosts" | "trustsForwarded">>;

const OPEN = { hosts: () => ["*"], trustsForwarded: false };

/** A front before a service; `open` is what a user's connection meets. */
class Bench {
  readonly requests: http.IncomingMessage[] = [];
  connections = 0;
  /** a service of raw(): one of its connections is */
  isOver = false;
  readonly front: HttpFront;
  readonly #users: Duplex[] = [];

  private constructor(
    readonly port: number,
    private readonly closeService: () => Promise<void> | void,
    limits: Partial<VisitLimits> = {},
    rules: Rules = {},
  ) {
    this.front = new HttpFront({
      host: "internal.example",
      hosts: () =>
        rules.hosts?.() ?? ["shown.example", "other.example", "a", "b"],
      trustsForwarded: rules.trustsForwarded ?? false,
      dial: () => {
        this.connections++;
        return dial({ host: "127.0.0.1", port, timeoutMs: 2_000 });
      },
      limits,
    });
  }

  /** A service on node:http. */
  static async http(
    listener: http.RequestListener = (_request, response) => {
      response.end("hello");
    },
    limits?: Partial<VisitLimits>,
    rules?: Rules,
  ): Promise<Bench> {
    const server = http.createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const bench = new Bench(
      port,
      () => {
        server.closeAllConnections();
        server.close();
      },
      limits,
      rules,
    );
    const take: http.RequestListener = (request, response) => {
      bench.requests.push(request);
      listener(request, response);
    };
    server.on("request", take);
    server.on("checkContinue", take);
    return bench;
  }

  /** A service that says with each connection what the test wants, byte for byte. */
  static async raw(
    serve: (connection: Observed) => void,
    limits?: Partial<VisitLimits>,
  ): Promise<Bench> {
    const server = await TestServer.start(serve);
    const bench = new Bench(server.port, () => server.close(), limits);
    server.server.on("connection", (socket) =>
      socket.once("close", () => (bench.isOver = true)),
    );
    return bench;
  }

  open(from = FROM): Observed<Duplex> {
    const user = this.front.open(from);
    this.#users.push(user);
    return new Observed(user);
  }

  /** Sends it on a connection of its own, and resolves with all that came back. */
  async say(text: string, from = FROM): Promise<string> {
    const user = this.open(from);
    user.socket.end(text, "latin1");
    await within("the answer", user.ended);
    return user.text;
  }

  /** A request of node:http through the front. */
  request(options: http.RequestOptions): http.ClientRequest {
    return http.request({
      ...options,
      createConnection: () => {
        const user = this.front.open(FROM);
        this.#users.push(user);
        return user;
      },
    });
  }

  async close(): Promise<void> {
    for (const user of this.#users) user.destroy();
    this.front.close();
    await this.closeService();
  }
}

const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, "Host: shown.example", ...headers, "", ""].join(
    "\r\n",
  );

const ok = (body: string, ...headers: string[]) =>
  [
    "HTTP/1.1 200 OK",
    `Content-Length: ${body.length}`,
    ...headers,
    "",
    body,
  ].join("\r\n");

function stalled(count: () => number): () => boolean {
  let [last, same] = [-1, 0];
  return () => {
    same = count() === last ? same + 1 : 0;
    last = count();
    return same > 100;
  };
}

describe("an HTTP front", () => {
  let bench: Bench;
  afterEach(() => bench.close());

  const started = async (made: Promise<Bench>) => {
    bench = await made;
    return bench;
  };

  /** A service that gives this answer to each read, or to the first one and then ends. */
  const answering = (text: string, { ends = false } = {}) =>
    started(
      Bench.raw(({ socket }) => {
        if (ends) socket.once("data", () => socket.end(text));
        else socket.on("data", () => socket.write(text));
      }),
    );

  describe("headers", () => {
    async function headersFor(
      text: string,
      from = FROM,
      rules?: Rules,
    ): Promise<NodeJS.Dict<string | string[]>> {
      await started(Bench.http(undefined, undefined, rules));
      expect(await bench.say(text, from)).to.match(/^HTTP\/1\.1 200 OK\r\n/);
      return bench.requests[0]!.headers;
    }

    it("tell the service its own host, the user's address, and what the user asked for", async () => {
      const headers = await headersFor(get("/a?b", "Cookie: c"));
      expect(headers).to.deep.include({
        host: "internal.example",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "shown.example",
        cookie: "c",
      });
      expect(bench.requests[0]!.url).to.equal("/a?b");
    });

    for (const [from, ip] of [
      ["[2001:db8::1]:50000", "2001:db8::1"],
      ["[::ffff:192.0.2.7]:1", "192.0.2.7"],
      ["", "unknown"],
      ["nonsense\r\nX: y", "unknown"],
    ] as const)
      it(`say ${ip} for a user from ${JSON.stringify(from)}`, async () => {
        const headers = await headersFor(get("/"), from);
        expect(headers["x-forwarded-for"]).to.equal(ip);
      });

    for (const [what, sent, got, gone] of [
      [
        "keep what a proxy in front of the user's side said, and put the address behind it",
        [
          "X-Forwarded-For: 198.51.100.1",
          "X-Forwarded-For: 198.51.100.2",
          "X-Forwarded-Proto: https",
          "X-Forwarded-Host: outside.example",
        ],
        {
          "x-forwarded-for": "198.51.100.1, 198.51.100.2, 192.0.2.7",
          "x-forwarded-proto": "https",
          "x-forwarded-host": "outside.example",
        },
      ],
      [
        "pass the others of such a proxy",
        ["X-Real-IP: 198.51.100.1", "X-Forwarded-Port: 443"],
        { "x-real-ip": "198.51.100.1", "x-forwarded-port": "443" },
      ],
      [
        "cannot be taken out by a user's Connection",
        [
          "Connection: X-Real-IP, X-Forwarded-Port, Forwarded, X-Forwarded-For, X-Mine",
          "X-Real-IP: 198.51.100.1",
          "X-Forwarded-Port: 443",
          "Forwarded: for=198.51.100.1",
          "X-Forwarded-For: 198.51.100.1",
          "X-Mine: 1",
        ],
        {
          "x-real-ip": "198.51.100.1",
          "x-forwarded-port": "443",
          forwarded: "for=198.51.100.1",
          "x-forwarded-for": "198.51.100.1, 192.0.2.7",
        },
        "x-mine",
      ],
      [
        "lose what cannot be so, and what CGI would take for them",
        [
          "X-Forwarded-Proto: gopher",
          "X-Forwarded-Host: a, b",
          "X_Forwarded_For: 198.51.100.1",
        ],
        {
          "x-forwarded-for": "192.0.2.7",
          "x-forwarded-proto": "http",
          "x-forwarded-host": "shown.example",
        },
        "x_forwarded_for",
      ],
    ] as const)
      it(`where a proxy is believed, ${what}`, async () => {
        const rules = { trustsForwarded: true };
        const headers = await headersFor(get("/", ...sent), FROM, rules);
        expect(headers).to.deep.include(got);
        if (gone !== undefined) expect(headers).not.to.have.property(gone);
      });

    it("that a user says of himself are dropped, whichever proxy they are of", async () => {
      const names = [
        ...["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"],
        ...["X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-User"],
        ...["X-Real-IP", "X_Real_IP", "Forwarded", "X-Original-URL"],
        ...["X-Rewrite-URL", "CF-Connecting-IP", "True-Client-IP"],
        ...["X-Client-IP", "X-Cluster-Client-IP", "Proxy", "X-Original-Host"],
      ];
      const headers = await headersFor(
        get("/", ...names.map((name) => `${name}: 198.51.100.66`)),
      );
      expect(JSON.stringify(headers)).not.to.include("198.51.100.66");
      expect(headers).to.deep.include({
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-host": "shown.example",
        "x-forwarded-proto": "http",
      });
    });

    it("that a user says of himself are dropped however they are spelled, and what would bound a message for CGI", async () => {
      const names = [
        ...["X.Real.IP", "x+forwarded+for", "X~Client_IP", "HTTP_X_Real_IP"],
        ...["HTTP-Forwarded", "X-Forward-For", "My-Forwarded-For", "Forward"],
        ...["X_Forwarded-Host", "Client_IP", "Content_Length", "H.ost"],
        ...["Transfer_Encoding", "HTTP_Host", "Content.Length"],
      ];
      for (const trustsForwarded of [false, true]) {
        if (trustsForwarded) await bench.close();
        const headers = await headersFor(
          get("/", "Max-Forwards: 3", ...names.map((name) => `${name}: 66`)),
          FROM,
          { trustsForwarded },
        );
        const left = Object.keys(headers).filter(
          (name) => headers[name] === "66",
        );
        expect(left).to.deep.equal(
          trustsForwarded
            ? ["x-forward-for", "my-forwarded-for", "forward", "h.ost"]
            : ["h.ost"],
        );
        expect(headers["max-forwards"]).to.equal("3");
      }
    });

    for (const [header, sent, got] of [
      ["Origin", "http://shown.example", "http://internal.example"],
      ["Origin", "https://SHOWN.example", "https://internal.example"],
      ["Origin", "http://shown.example:81", "http://shown.example:81"],
      ["Origin", "http://evil.example", "http://evil.example"],
      ["Origin", "null", "null"],
      ["Referer", "http://shown.example/a?b", "http://internal.example/a?b"],
      ["Referer", "http://shown.example.evil/a", "http://shown.example.evil/a"],
    ] as const)
      it(`tell the service ${header}: ${sent} as ${got}`, async () => {
        const headers = await headersFor(get("/", `${header}: ${sent}`));
        expect(headers[header.toLowerCase()]).to.equal(got);
      });

    it("bring bytes beyond ASCII as they are, both ways, with a body behind them or without", async () => {
      const seen: string[] = [];
      await started(
        Bench.raw((service) => {
          service.socket.on("data", () => {
            seen.push(service.received.toString("latin1"));
            service.socket.write(
              Buffer.from(
                `HTTP/1.1 200 \xe4\xf6\r\nX-Name: \xe4\xc3\xa4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\xc3\xa4\r\n0\r\nX-Sum: \xfc\r\n\r\n`,
                "latin1",
              ),
            );
          });
        }),
      );
      for (const body of ["", "Content-Length: 2\r\n"]) {
        const user = bench.open();
        user.socket.write(
          `POST /\xe4 HTTP/1.1\r\nHost: a\r\nX-Name: \xe4\xc3\xa4\r\n${body}\r\n${body && "\xc3\xa4"}`,
          "latin1",
        );
        const text = () => user.received.toString("latin1");
        await eventually("the answer", () => text().endsWith("\xfc\r\n\r\n"));
        expect(text()).to.match(
          /^HTTP.1.1 200 \xe4\xf6\r\nX-Name: \xe4\xc3\xa4\r\n[^]*\r\n2\r\n\xc3\xa4\r\n/,
        );
        expect(seen.at(-1)).to.match(
          /^POST .\xe4 HTTP.1.1\r\n[^]*X-Name: \xe4\xc3\xa4\r\n/,
        );
        if (body) expect(seen.at(-1)).to.match(/\r\n\r\n\xc3\xa4$/);
      }
    });

    it("may end in LF alone, on both sides, and become proper ones", async () => {
      let head = "";
      await started(
        Bench.raw(({ socket }) => {
          socket.once("data", (chunk: Buffer) => {
            head = chunk.toString();
            socket.write("HTTP/1.1 200 OK\nContent-Length: 2\nX-A: b\n\nok");
          });
        }),
      );
      const user = bench.open();
      user.socket.write("GET / HTTP/1.1\nHost: a\nX-C: d\n\n");
      await eventually("the answer", () => user.text.endsWith("ok"));
      expect(user.text).to.equal(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok",
      );
      expect(head).to.match(/\r\nX-C: d\r\n/);
    });

    it("of a service may be folded, and give one length twice", async () => {
      await answering(
        "HTTP/1.1 200 OK\r\nX-A: b\r\n\tc\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
      );
      const user = bench.open();
      user.socket.write(get("/"));
      await eventually("the answer", () => user.text.endsWith("ok"));
      expect(user.text).to.equal(
        "HTTP/1.1 200 OK\r\nX-A: b c\r\nContent-Length: 2\r\n\r\nok",
      );
    });

    it("of endless blanks cost no time, in a head, in trailers and in an answer", async () => {
      const blank = `X: a${" ".repeat(60_000)}\tb`;
      await answering(ok("x", blank));
      const user = bench.open();
      const before = process.cpuUsage();
      for (let count = 2; count <= 4; count++) {
        user.socket.write(get("/", blank));
        await eventually("it", () => user.text.split(blank).length === count);
      }
      user.socket.write(
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${blank}\r\n\r\n`,
      );
      await eventually("it", () => user.text.split(blank).length === 5);
      // A second each with a pattern that starts anew at each blank.
      expect(process.cpuUsage(before).user).to.be.below(1_500_000);
    });

    for (const method of [
      "LIST",
      "BAN",
      "VERSION-CONTROL",
      "RPC_IN_DATA",
      "get",
    ])
      it(`may have a method that nobody knows: ${method}`, async () => {
        let line = "";
        await started(
          Bench.raw(({ socket }) => {
            socket.once("data", (chunk: Buffer) => {
              line = chunk.toString().split("\r\n")[0]!;
              socket.end(ok("x"));
            });
          }),
        );
        await bench.say(get("/").replace("GET", method));
        expect(line).to.equal(`${method} / HTTP/1.1`);
      });

    it("lose what means one connection only, and nothing else", async () => {
      const headers = await headersFor(
        get(
          "/",
          "Connection: close, X-Mine, X-Forwarded-For, Host",
          "Keep-Alive: timeout=5",
          "X-Mine: 1",
          "Proxy-Authorization: Basic eA==",
          "TE: trailers, deflate",
          "X-Yours: 2",
        ),
      );
      expect(headers).to.deep.include({
        host: "internal.example",
        connection: "keep-alive",
        te: "trailers",
        "x-forwarded-for": "192.0.2.7",
        "x-yours": "2",
      });
      for (const name of ["x-mine", "keep-alive", "proxy-authorization"])
        expect(headers).not.to.have.property(name);
    });

    it("give a URL in place of a path the same host, and its path to the service", async () => {
      const text = get("http://other.example:81/x?y").replace(/\/x/, "/x");
      const headers = await headersFor(text);
      expect(headers.host).to.equal("internal.example");
      expect(headers["x-forwarded-host"]).to.equal("other.example:81");
      expect(bench.requests[0]!.url).to.equal("/x?y");
    });

    it("of a response come back in their order and case, repeated ones too", async () => {
      await answering(
        ok("x", "Set-Cookie: a=1", "X-CASE: y", "Set-Cookie: b=2"),
      );
      expect(await bench.say(get("/"))).to.match(
        /Set-Cookie: a=1\r\nX-CASE: y\r\nSet-Cookie: b=2\r\n/,
      );
    });
  });

  describe("bodies", () => {
    const MIB = 1024 * 1024;
    const piece = Buffer.alloc(64 * 1024, "0123456789abcdef");

    async function upload({ socket }: { socket: Duplex }, bytes: number) {
      socket.write(
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`,
      );
      for (let sent = 0; sent < bytes; sent += piece.length)
        if (!socket.write(piece)) await within("room", once(socket, "drain"));
    }

    for (const framing of ["a length", "chunks"] as const)
      it(`pass both ways unchanged with ${framing}, 50 MiB of them`, async function () {
        this.timeout(180_000);
        await started(
          Bench.http((request, response) => {
            const length = request.headers["content-length"];
            if (length !== undefined)
              response.setHeader("Content-Length", length);
            request.pipe(response);
          }),
        );
        const total = 50 * MIB;
        const request = bench.request({
          method: "POST",
          headers: framing === "a length" ? { "Content-Length": total } : {},
        });
        const [sent, got] = [createHash("sha256"), createHash("sha256")];
        const done = once(request, "response").then(async ([response]) => {
          let bytes = 0;
          for await (const chunk of response as http.IncomingMessage) {
            got.update(chunk as Buffer);
            bytes += (chunk as Buffer).length;
          }
          return bytes;
        });
        for (let bytes = 0; bytes < total; bytes += piece.length) {
          sent.update(piece);
          if (!request.write(piece)) await once(request, "drain");
        }
        request.end();
        expect(await within("all of it", done, 50_000)).to.equal(total);
        expect(got.digest("hex")).to.equal(sent.digest("hex"));
      });

    it("stop the service when the user reads nothing", async () => {
      let written = 0;
      await started(
        Bench.http((_request, response) => {
          const send = () => {
            while (response.write(piece)) written += piece.length;
          };
          response.on("drain", send);
          send();
        }),
      );
      const user = bench.front.open(FROM);
      user.write(get("/"));
      await eventually(
        "a stall",
        stalled(() => written),
      );
      expect(written).to.be.below(20 * MIB);
      user.destroy();
    });

    it("stop the user when the service reads nothing", async () => {
      await started(Bench.http((request) => request.pause()));
      const user = bench.open();
      user.socket.write(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
      );
      let written = 0;
      const send = () => {
        while (user.socket.write(piece)) written += piece.length;
      };
      user.socket.on("drain", send);
      send();
      await eventually(
        "a stall",
        stalled(() => written),
      );
      expect(written).to.be.below(20 * MIB);
    });

    it("of chunks bring their trailers, both ways", async () => {
      await started(
        Bench.http((request, response) => {
          response.writeHead(200, { Trailer: "X-Sum" });
          response.write("a");
          request.resume().on("end", () => {
            response.addTrailers({ "X-Sum": request.trailers["x-sum"] ?? "" });
            response.end("b");
          });
        }),
      );
      const answer = await bench.say(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 42\r\nHost: b\r\n\r\n",
      );
      expect(answer).to.match(/b\r\n0\r\nX-Sum: 42\r\n\r\n$/);
      expect(bench.requests[0]!.trailers).not.to.have.property("host");
    });

    it("arrive as they come: headers and a first event before the rest", async () => {
      let response: http.ServerResponse | undefined;
      await started(
        Bench.http((_request, made) => {
          response = made;
          made.writeHead(200, { "Content-Type": "text/event-stream" });
          made.flushHeaders();
        }),
      );
      const user = bench.open();
      user.socket.write(get("/"));
      await eventually("headers", () => user.text.includes("event-stream"));
      response!.write("data: 1\n\n");
      await eventually("an event", () => user.text.includes("data: 1"));
    });

    for (const [name, request, response] of [
      [
        "HEAD",
        get("/").replace("GET", "HEAD"),
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
      ],
      ["204", get("/"), "HTTP/1.1 204 No Content\r\n\r\n"],
      [
        "304",
        get("/"),
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
      ],
    ] as const)
      it(`are not there with ${name}, and the connection goes on`, async () => {
        await started(
          Bench.raw(({ socket }) => {
            socket.once("data", () => {
              socket.write(response);
              socket.once("data", () => socket.write(ok("second")));
            });
          }),
        );
        const user = bench.open();
        user.socket.write(request);
        await eventually("the first", () => user.text.endsWith("\r\n\r\n"));
        user.socket.write(get("/"));
        await eventually("the second", () =>
          user.text.endsWith("\r\n\r\nsecond"),
        );
        expect(user.text).not.to.include("chunked");
      });

    it("end with the connection for a user of HTTP/1.0", async () => {
      await started(
        Bench.http((_request, response) => {
          response.write("a");
          response.end("b");
        }),
      );
      const answer = await bench.say("GET / HTTP/1.0\r\n\r\n");
      expect(answer).to.match(/Connection: close\r\n\r\nab$/);
      expect(answer).not.to.match(/chunked/i);
    });

    it("wait for the service's 100, which comes through", async () => {
      await started(
        Bench.http((request, response) => {
          response.writeContinue();
          request.pipe(response);
        }),
      );
      const user = bench.open();
      user.socket.write(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
      );
      await eventually("100", () => user.text.startsWith("HTTP/1.1 100 "));
      expect(user.text).not.to.include("200");
      user.socket.write("body");
      await eventually("200", () => user.text.includes("\r\nbody\r\n"));
    });

    it("need not come when the service refuses them instead of saying 100", async () => {
      await started(
        Bench.http((_request, response) => {
          response.writeHead(413).end("too large");
        }),
      );
      const user = bench.open();
      user.socket.write(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
      );
      await eventually("413", () => user.text.includes("too large"));
      expect(user.text).to.match(/^HTTP\/1\.1 413 /);
    });

    it("that the service does not want are read, so that its answer arrives", async () => {
      await started(
        Bench.raw(({ socket }) => {
          socket.once("data", () => {
            socket.pause();
            socket.write(
              "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
            );
          });
        }),
      );
      const user = bench.open();
      await upload(user, 20 * MIB);
      await eventually("413", () => user.text.endsWith("no"));
      user.socket.end();
      expect(await within("the end", user.ended)).to.equal("fin");
    });

    for (const [when, end] of [
      ["without an answer", (service: Duplex) => service.end()],
      [
        "by a reset without an answer",
        (service: Duplex) =>
          (service as never as { resetAndDestroy(): void }).resetAndDestroy(),
      ],
    ] as const)
      it(`that the service ends ${when} are read, so that the 502 arrives`, async () => {
        await started(
          Bench.raw(({ socket }) => {
            socket.once("data", () => {
              socket.pause();
              end(socket);
            });
          }),
        );
        const user = bench.open();
        await upload(user, 20 * MIB);
        await eventually("502", () => user.text.includes("502 Bad Gateway: "));
        user.socket.write(get("/next"));
        await eventually("the next", () => bench.connections === 2);
      });

    for (const framing of [
      "Content-Length: 8000000",
      "Transfer-Encoding: chunked",
    ])
      it(`that the service answers early still reach it whole, with ${framing}, and so does the next request`, async () => {
        let bytes = 0;
        let next = "";
        await started(
          Bench.http((request, response) => {
            if (request.method === "GET") next = request.url ?? "";
            else request.on("data", (chunk: Buffer) => (bytes += chunk.length));
            response.writeHead(202, { "Content-Length": 2 }).end("ok");
          }),
        );
        const user = bench.open();
        user.socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
        await eventually("the answer", () => user.text.endsWith("ok"));
        const isChunks = framing.endsWith("chunked");
        const part = Buffer.alloc(80_000, "b");
        for (let count = 0; count < 100; count++) {
          if (isChunks) user.socket.write("13880\r\n");
          if (!user.socket.write(part))
            await within("room", once(user.socket, "drain"));
          if (isChunks) user.socket.write("\r\n");
        }
        user.socket.write(`${isChunks ? "0\r\n\r\n" : ""}${get("/next")}`);
        await eventually("the next", () => next === "/next");
        expect(bytes).to.equal(8_000_000);
        expect(bench.connections).to.equal(1);
      });

    it("of small chunks go on as one piece where they come as one", async () => {
      const services: Observed[] = [];
      await started(Bench.raw((service) => services.push(service)));
      const user = bench.open();
      user.socket.write(
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(200)}0\r\n\r\n`,
      );
      const service = await eventually("the body", () =>
        services.find(({ text }) => text.endsWith("\r\n0\r\n\r\n")),
      );
      expect(service.text).to.include(
        `\r\n\r\nc8\r\n${"x".repeat(200)}\r\n0\r\n`,
      );
    });

    it("that the service refuses by a reset behind its answer do not cost the user the answer", async () => {
      let speak: (() => void) | undefined;
      await started(
        Bench.raw(({ socket }) => {
          speak = () =>
            socket.write(
              "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
              () => socket.resetAndDestroy(),
            );
        }),
      );
      const front = new HttpFront({
        ...OPEN,
        host: "a",
        // All is said and over before the front writes, and is read only after that.
        dial: async () => {
          const socket = connect({ port: bench.port, host: "127.0.0.1" });
          socket.pause();
          await once(socket, "connect");
          (await eventually("the service", () => speak))();
          await eventually("the service's end", () => bench.isOver);
          setTimeout(() => socket.resume(), 0);
          return socket;
        },
      });
      const user = new Observed<Duplex>(front.open(FROM));
      user.socket.write(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
      );
      await eventually("413", () => user.text.endsWith("no"));
      expect(user.text).to.match(/^HTTP.1.1 413 /);
      user.socket.destroy();
    });
  });

  describe("connections", () => {
    it("are one to the service for one of a user, however many requests it carries", async () => {
      await started(Bench.http());
      const user = bench.open();
      for (let count = 1; count <= 20; count++) {
        user.socket.write(get(`/${count}`));
        await eventually(
          `answer ${count}`,
          () => user.text.split("hello").length === count + 1,
        );
      }
      expect(bench.connections).to.equal(1);
    });

    it("are never shared between users", async () => {
      await started(Bench.http());
      for (let count = 0; count < 3; count++) await bench.say(get("/"));
      expect(bench.connections).to.equal(3);
    });

    it("are made anew when the service closed after its response", async () => {
      await started(
        Bench.http((_request, response) => {
          response.setHeader("Connection", "close");
          response.end("hello");
        }),
      );
      const user = bench.open();
      user.socket.write(get("/"));
      await eventually("one", () => user.text.split("hello").length === 2);
      user.socket.write(get("/"));
      await eventually("two", () => user.text.split("hello").length === 3);
      expect(bench.connections).to.equal(2);
    });

    for (const [how, end] of [
      ["ends", (service: Duplex) => service.end()],
      [
        "breaks",
        (service: Duplex) =>
          (service as never as { resetAndDestroy(): void }).resetAndDestroy(),
      ],
      [
        "says what nobody asked for",
        (service: Duplex) => service.write(ok("poison")),
      ],
    ] as const)
      it(`end in good order when the service's idle one ${how}`, async () => {
        const services: Duplex[] = [];
        await started(
          Bench.raw(({ socket }) => {
            services.push(socket);
            socket.once("data", () => socket.write(ok("hello")));
          }),
        );
        const user = bench.open();
        user.socket.write(get("/"));
        await eventually("the answer", () => user.text.endsWith("hello"));
        end(services[0]!);
        expect(await within("the end", user.ended)).to.equal("fin");
        expect(user.text).not.to.include("poison");
        user.socket.end();
        await within("the close", user.closed);
      });

    it("are broken when the service's breaks in the middle of an answer that lasts to its end, however soon", async () => {
      await started(
        Bench.raw(({ socket }) => {
          socket.once("data", () => {
            socket.write("HTTP/1.0 200 OK\r\n\r\nhalf an ans");
            socket.resetAndDestroy();
          });
        }),
      );
      for (let round = 0; round < 20; round++) {
        const user = bench.open();
        user.socket.write(get("/"));
        expect(await within("the reset", user.ended)).to.equal("reset");
      }
    });

    it("are broken when the service's breaks before a second response, so that clients try again", async () => {
      await started(
        Bench.raw(({ socket }) => {
          socket.once("data", () => {
            socket.write(ok("hello"));
            socket.once("data", () => socket.resetAndDestroy());
          });
        }),
      );
      const user = bench.open();
      user.socket.write(get("/"));
      await eventually("the answer", () => user.text.endsWith("hello"));
      user.socket.write(get("/"));
      expect(await within("the reset", user.ended)).to.equal("reset");
      expect(user.text).to.match(/hello$/);
    });

    it("that send several requests at once get the answers one after the other", async () => {
      let atOnce = 0;
      await started(
        Bench.http((request, response) => {
          expect(++atOnce).to.equal(1);
          setImmediate(() => {
            atOnce--;
            response.end(`<${request.url}>`);
          });
        }),
      );
      const answer = await bench.say(get("/1") + get("/2") + get("/3"));
      expect(answer.match(/<.*?>/g)).to.deep.equal(["</1>", "</2>", "</3>"]);
      expect(bench.connections).to.equal(1);
    });

    it("end in good order behind the first of two answers, when the service ends there", async () => {
      const bytes = 500_000;
      await answering(ok("x".repeat(bytes)), { ends: true });
      const user = bench.open();
      user.socket.write(get("/1") + get("/2"));
      expect(await within("the end", user.ended)).to.equal("fin");
      expect(user.text).to.match(/^HTTP.1.1 200 /);
      expect(/x*$/.exec(user.text)?.[0]).to.have.length(bytes);
    });

    it("that send several requests at once get them sent on, where the service ends without an answer to the first", async () => {
      let connections = 0;
      await started(
        Bench.raw(({ socket }) => {
          const isFirst = connections++ === 0;
          socket.once("data", () => socket.end(isFirst ? "" : ok("hello")));
        }),
      );
      const user = bench.open();
      user.socket.write(get("/1") + get("/2"));
      await eventually("the second", () => user.text.endsWith("hello"));
      expect(user.text).to.match(/^HTTP.1.1 502 /);
    });

    it("that send requests without end are not read on, however long the first one takes", async () => {
      let answer = () => undefined as unknown;
      await started(
        Bench.http((_request, response) => {
          answer = () => response.end("at last");
        }),
      );
      const user = bench.open();
      let written = 0;
      const send = () => {
        while (user.socket.write(get("/").repeat(500))) written++;
      };
      user.socket.on("drain", send);
      send();
      await eventually(
        "a stall",
        stalled(() => written),
      );
      expect(bench.requests).to.have.length(1);
      answer();
      await eventually("the answer", () => user.text.includes("at last"));
    });

    it("that say nothing end after a while", async () => {
      await started(Bench.http(undefined, { idleMs: 20, lingerMs: 20 }));
      for (const text of ["", "GET / HT", get("/")]) {
        const user = bench.open();
        user.socket.write(text);
        await within("the end", user.ended);
        await within("the close", user.closed);
      }
    });

    it("whose user does not end go after a while", async () => {
      await started(Bench.http(undefined, { lingerMs: 20 }));
      const user = bench.open();
      user.socket.write(get("/", "Connection: close"));
      expect(await within("the end", user.ended)).to.equal("fin");
      await within("the close", user.closed);
    });

    it("whose user takes nothing go after a while", async () => {
      await started(
        Bench.http((_request, response) => response.end("x".repeat(300)), {
          lingerMs: 20,
        }),
      );
      const user = bench.front.open(FROM);
      user.on("error", () => undefined);
      user.write(get("/", "Connection: close"));
      const closed = new Promise((resolve) => user.once("close", resolve));
      await within("the close", closed);
      expect(user.readableLength).to.be.greaterThan(300);
    });

    it("go after a while that is the longer the more was said, up to a bound", async () => {
      const elapsed = async (length: number) => {
        await started(
          Bench.http((_request, response) => response.end("x".repeat(length)), {
            ...{ lingerMs: 20, lingerMaxMs: 800 },
          }),
        );
        const begun = performance.now();
        const user = bench.open();
        user.socket.write(get("/", "Connection: close"));
        await within("the end", user.ended);
        await within("the close", user.closed);
        await bench.close();
        return performance.now() - begun;
      };
      expect(await elapsed(512)).to.be.greaterThan(500);
      expect(await elapsed(1_000_000)).to.be.at.least(799);
    });

    it("are all cut off by close", async () => {
      await started(Bench.http(() => undefined));
      const users = [bench.open(), bench.open()];
      users[0]!.socket.write(get("/"));
      await eventually("a request", () => bench.requests.length === 1);
      bench.front.close();
      bench.front.close();
      for (const user of users)
        expect(await within("the end", user.ended)).to.equal("reset");
    });
  });

  describe("a user that", () => {
    it("ends its half tells the service so, and still gets the response", async () => {
      await started(
        Bench.raw(({ socket }) => {
          socket.on("end", () => socket.end(ok("after the FIN")));
        }),
      );
      expect(await bench.say(get("/"))).to.match(/after the FIN$/);
    });

    it("ends its half behind two requests tells the service so with the second", async () => {
      await started(
        Bench.raw(({ socket }) => {
          socket.once("data", () => {
            socket.write(ok("<one>"));
            socket.once("data", () =>
              socket.once("end", () => socket.end(ok("<two>"))),
            );
          });
        }),
      );
      expect(
        (await bench.say(get("/1") + get("/2"))).match(/<.*?>/g),
      ).to.deep.equal(["<one>", "<two>"]);
    });

    it("goes away ends the request at the service", async () => {
      const services: Observed[] = [];
      await started(Bench.raw((service) => services.push(service)));
      const user = bench.open();
      user.socket.write(get("/"));
      const service = await eventually("a request", () =>
        services.find(({ bytes }) => bytes > 0),
      );
      user.socket.destroy();
      expect(await within("the end", service.ended)).to.equal("reset");
    });

    it("goes away in the middle of a body ends the request at the service", async () => {
      const services: Observed[] = [];
      await started(Bench.raw((service) => services.push(service)));
      const user = bench.open();
      user.socket.write(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
      );
      const service = await eventually("the half", () =>
        services.find(({ text }) => text.endsWith("half")),
      );
      user.socket.end();
      expect(await within("the end", service.ended)).to.equal("reset");
      expect(await within("the end", user.ended)).to.equal("reset");
    });

    for (const [what, text, end] of [
      [
        "half a body before the service is there",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
        "reset",
      ],
      ["half a request behind a whole one", `${get("/")}GET / HT`, "fin"],
    ] as const)
      it(`ends behind ${what} is not waited for`, async () => {
        await started(Bench.http());
        const user = bench.open();
        user.socket.end(text);
        expect(await within("the end", user.ended)).to.equal(end);
        if (end === "fin")
          expect(user.text).to.match(/^HTTP.1.1 200 [^]*helloHTTP.1.1 400 /);
      });

    it("goes away while the service is dialled leaves nothing behind", async () => {
      const { a: near, b: far } = createDuplexPair();
      let connect: (service: Duplex) => void = () => undefined;
      await started(Bench.http());
      const front = new HttpFront({
        ...OPEN,
        host: "a",
        dial: () => new Promise((resolve) => (connect = resolve)),
      });
      const user = front.open(FROM);
      user.write(get("/"));
      await eventually("a dial", () => connect.length === 1);
      user.on("error", () => undefined).destroy();
      far.on("error", () => undefined);
      await new Promise(setImmediate);
      connect(near);
      await eventually("the end", () => near.destroyed && far.destroyed);
    });
  });

  describe("a service that", () => {
    it("refuses is a 502 that says why in one line, and can be tried again", async () => {
      await started(Bench.http());
      await bench.close();
      const user = bench.open();
      for (let count = 1; count <= 2; count++) {
        user.socket.write(get("/"));
        await eventually(
          "a 502",
          () => user.text.match(/there\n/g)?.length === count,
        );
      }
      expect(user.text).to.match(
        /^HTTP\/1\.1 502 Bad Gateway\r\n[^]*\r\n\r\n502 Bad Gateway: cannot connect to 127\.0\.0\.1:\d+: connection refused, nothing listens there\nHTTP/,
      );
    });

    it("cannot be reached in time is a 504", async () => {
      await started(Bench.http());
      const front = new HttpFront({
        ...OPEN,
        host: "a",
        dial: () => Promise.reject(new VnetError("timeout", "too late")),
      });
      const user = new Observed<Duplex>(front.open(FROM));
      user.socket.end(get("/"));
      await within("the end", user.ended);
      expect(user.text).to.match(/^HTTP\/1\.1 504 [^]*\n504 .*: too late\n$/);
    });

    for (const [what, says, reason] of [
      [
        "closes without a response",
        "",
        "the service closed the connection without a response",
      ],
      ["is not HTTP", "220 hello\r\n", "what the service answered is not HTTP"],
      [
        "gives two lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "the service's answer gives more than one length",
      ],
      [
        "has a status below 100",
        "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nxx",
        "what the service answered is not HTTP",
      ],
      [
        "codes its body otherwise",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        "a transfer coding other than chunked",
      ],
      [
        "has a reason phrase that nobody may pass on",
        "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nxx",
        "a control character in the service's reason phrase",
      ],
      [
        "has endless headers",
        `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
        "the headers of the service's answer are larger than 64 KiB",
      ],
    ] as const)
      it(`${what} is a 502`, async () => {
        await answering(says, { ends: true });
        const user = bench.open();
        user.socket.write(get("/"));
        await eventually("a 502", () => user.text.endsWith("\n"));
        expect(user.text).to.match(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
        expect(user.text).to.include(reason);
      });

    for (const [what, head, body] of [
      [
        "a length beside chunks",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "2\r\nok\r\n0\r\n\r\n",
      ],
      [
        "chunks twice",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "2\r\nok\r\n0\r\n\r\n",
      ],
    ] as const)
      it(`answers with ${what} is understood, and its connection carries no more`, async () => {
        await answering(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
        const user = bench.open();
        for (let count = 1; count <= 2; count++) {
          user.socket.write(get("/"));
          await eventually(
            "the answer",
            () => user.text.split("ok\r\n0\r\n\r\n").length === count + 1,
          );
        }
        expect(user.text).to.equal(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".repeat(
            2,
          ),
        );
        expect(bench.connections).to.equal(2);
      });

    for (const [what, head, body] of [
      [
        "no coding, named",
        "Transfer-Encoding: identity\r\nContent-Length: 2",
        "ok",
      ],
      [
        "lines of chunks in LF alone",
        "Transfer-Encoding: chunked",
        "2\nok\n0\n\n",
      ],
      [
        "sizes with many zeros",
        "Transfer-Encoding: chunked",
        "00000000000000000002\r\nok\r\n0000000000000000\r\n\r\n",
      ],
    ] as const)
      it(`answers with ${what} is understood`, async () => {
        await answering(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
        const user = bench.open();
        user.socket.write(get("/"));
        await eventually("it", () =>
          /\r\nok(?:\r\n0\r\n\r\n)?$/.test(user.text),
        );
        expect(user.text).to.match(/^HTTP.1.1 200 OK\r\n/);
      });

    for (const [what, head] of [
      ["a length", "Content-Length: 9"],
      ["chunks", "Transfer-Encoding: chunked"],
    ] as const)
      it(`breaks off a response with ${what} breaks the user's connection`, async () => {
        await answering(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n4\r\nhal`, {
          ends: true,
        });
        const user = bench.open();
        user.socket.write(get("/"));
        expect(await within("the end", user.ended)).to.equal("reset");
      });

    it("can be any duplex", async () => {
      await started(Bench.http());
      const front = new HttpFront({
        ...OPEN,
        host: "a",
        dial: () => {
          const { a: near, b: far } = createDuplexPair();
          far.on("data", () => far.write(ok("in memory")));
          far.on("error", () => undefined);
          return Promise.resolve(near);
        },
      });
      const user = new Observed<Duplex>(front.open(FROM));
      for (let count = 2; count <= 15; count++) {
        user.socket.write(get("/"));
        await eventually(
          "an answer",
          () => user.text.split("in memory").length === count,
        );
      }
      user.socket.destroy();
    });
  });

  describe("a change of the protocol", () => {
    const offer = (...more: string[]) =>
      get("/chat", "Connection: Upgrade", "Upgrade: websocket", ...more);

    it("makes a tunnel of both connections, with what came early on both sides", async () => {
      await started(
        Bench.raw(({ socket }) => {
          socket.once("data", (head: Buffer) => {
            expect(head.toString()).to.match(
              /^GET \/chat HTTP\/1\.1\r\nHost: internal\.example\r\n[^]*X-Forwarded-For: 192\.0\.2\.7\r\n[^]*Connection: Upgrade\r\nUpgrade: websocket\r\n/,
            );
            socket.write(
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
            );
            socket.pipe(socket);
          });
        }),
      );
      const user = bench.open();
      user.socket.write(`${offer()}first`);
      await eventually("both", () => user.text.endsWith("earlyfirst"));
      user.socket.end("last");
      expect(await within("the end", user.ended)).to.equal("fin");
      expect(user.text).to.match(
        /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearlyfirstlast$/,
      );
      await within("the close", user.closed);
    });

    it("that the service refuses ends with its response, and no request passes behind it", async () => {
      await started(
        Bench.http((_request, response) => {
          response.writeHead(403).end("no chat");
        }),
      );
      const user = bench.open();
      user.socket.write(offer() + get("/smuggled"));
      expect(await within("the end", user.ended)).to.equal("fin");
      expect(user.text).to.match(
        /^HTTP\/1\.1 403 [^]*Connection: close[^]*no chat/,
      );
      expect(bench.requests.map(({ url }) => url)).to.deep.equal(["/chat"]);
    });

    it("that the service cannot be reached for is a 502", async () => {
      await started(Bench.http());
      await bench.close();
      const user = bench.open();
      user.socket.write(offer());
      await within("the end", user.ended);
      expect(user.text).to.match(/^HTTP\/1\.1 502 /);
    });

    for (const side of ["user", "service"] as const)
      it(`is broken on the other side when the ${side} breaks it`, async () => {
        const services: Observed[] = [];
        await started(
          Bench.raw((service) => {
            services.push(service);
            service.socket.once("data", () =>
              service.socket.write(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
              ),
            );
          }),
        );
        const user = bench.open();
        user.socket.write(offer());
        await eventually("101", () => user.text.includes("101"));
        const service = services[0]!;
        if (side === "user") user.socket.destroy();
        else service.socket.resetAndDestroy();
        const other = side === "user" ? service.ended : user.ended;
        expect(await within("the end", other)).to.equal("reset");
      });

    it("to HTTP/2 is not offered to the service, which answers as ever, and the connection goes on", async () => {
      await started(Bench.http());
      const text = get(
        "/",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABk",
      );
      const user = bench.open();
      user.socket.write(text + get("/second"));
      await eventually("both", () => user.text.split("hello").length === 3);
      expect(user.text).to.match(/^HTTP.1.1 200 OK\r\n/);
      expect(user.text).not.to.include("close");
      expect(bench.requests.map(({ url }) => url)).to.deep.equal([
        ...["/", "/second"],
      ]);
      for (const { headers } of bench.requests)
        expect(headers).not.to.have.any.keys("upgrade", "http2-settings");
    });

    const exec = (framing: string, body: string) =>
      `POST /exec/1/start HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${framing}\r\n\r\n${body}`;

    for (const [how, text] of [
      ["a length", exec("Content-Length: 9", '{"Tty":1}')],
      [
        "chunks",
        exec("Transfer-Encoding: chunked", '9\r\n{"Tty":1}\r\n0\r\n\r\n'),
      ],
    ] as const)
      it(`comes with a body of ${how}, as of docker exec, and what stands behind the body is the tunnel's`, async () => {
        await started(
          Bench.raw((service) => {
            const { socket } = service;
            let isTunnel = false;
            socket.on("data", (chunk: Buffer) => {
              if (isTunnel) socket.write(chunk);
              else if (/"Tty":1}(?:\r\n0\r\n\r\n)?$/.test(service.text)) {
                expect(service.text).to.match(
                  /Connection: Upgrade\r\nUpgrade: tcp\r\n/,
                );
                isTunnel = true;
                socket.write(
                  "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n$ ",
                );
              }
            });
          }),
        );
        const user = bench.open();
        user.socket.write(`${text}ls\n`);
        await eventually("the echo", () => user.text.endsWith("$ ls\n"));
        user.socket.destroy();
      });

    it("with a body that the service refuses is the last on its connection", async () => {
      await started(
        Bench.http((request, response) => {
          request.pipe(response);
        }),
      );
      const user = bench.open();
      user.socket.write(exec("Content-Length: 4", "body") + get("/second"));
      expect(await within("the end", user.ended)).to.equal("fin");
      expect(user.text).to.match(/^HTTP.1.1 200 OK\r\n/);
      expect(user.text).to.include("body");
      expect(bench.requests.map(({ url }) => url)).to.deep.equal([
        "/exec/1/start",
      ]);
    });
  });

  describe("the host that is asked for", () => {
    const asking = async (host: string, hosts: string[] = []) => {
      await started(Bench.http(undefined, undefined, { hosts: () => hosts }));
      return await bench.say(get("/").replace("shown.example", host));
    };

    for (const host of [
      ...["localhost", "LocalHost:8080", "app.localhost:1", "localhost."],
      ...["127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:8080", "192.168.1.5:80"],
      ...["internal.example", "INTERNAL.example:99"],
    ])
      it(`may be ${host}, whatever hosts= says`, async () => {
        expect(await asking(host)).to.match(/^HTTP.1.1 200 /);
      });

    for (const [host, ...hosts] of [
      ["web.example:80", "web.example"],
      ["a.lan.example", "*.lan.example"],
      ["any.thing", "*"],
    ] as const)
      it(`may be ${host} with hosts=${hosts.join()}`, async () => {
        expect(await asking(host, hosts)).to.match(/^HTTP.1.1 200 /);
      });

    for (const [host, ...hosts] of [
      ["evil.example"],
      ["evil.example:8080", "web.example"],
      ["localhost.evil.example"],
      ["lan.example", "*.lan.example"],
      ["127.0.0.1.evil.example"],
    ] as const)
      it(`that is ${host} gets a 421 that names the remedy, with hosts=${hosts.join()}`, async () => {
        const answer = await asking(host, [...hosts]);
        const name = host.replace(/:.*/, "");
        expect(answer).to.match(/^HTTP.1.1 421 Misdirected Request\r\n/);
        expect(answer).to.include(`hosts=${name} into its [serve.`);
        expect(bench.connections).to.equal(0);
      });

    for (const host of [
      "",
      ".",
      "..",
      "a b",
      "a/b",
      "a@b",
      "[::1",
      "a:b",
      "a,b",
      "a:1:2",
    ])
      it(`that is ${JSON.stringify(host)} is none`, async () => {
        const answer = await asking(host, ["*"]);
        expect(answer).to.match(/^HTTP.1.1 400 /);
        expect(bench.connections).to.equal(0);
      });
  });

  describe("refuses", () => {
    const post = (...headers: string[]) =>
      ["POST / HTTP/1.1", "Host: a", ...headers, "", ""].join("\r\n");
    const HOSTILE: [name: string, text: string, status: number][] = [
      [
        "a length and chunks",
        `${post("Content-Length: 4", "Transfer-Encoding: chunked")}0\r\n\r\n`,
        400,
      ],
      [
        "chunks and a length",
        `${post("Transfer-Encoding: chunked", "Content-Length: 4")}0\r\n\r\n`,
        400,
      ],
      [
        "two lengths",
        `${post("Content-Length: 4", "Content-Length: 5")}abcde`,
        400,
      ],
      [
        "two equal lengths",
        `${post("Content-Length: 4", "Content-Length: 4")}abcd`,
        400,
      ],
      ["a length with a sign", `${post("Content-Length: +4")}abcd`, 400],
      ["two lengths in one header", `${post("Content-Length: 4, 4")}abcd`, 400],
      [
        "chunks that are not last",
        `${post("Transfer-Encoding: chunked, gzip")}0\r\n\r\n`,
        400,
      ],
      [
        "another coding before chunks",
        `${post("Transfer-Encoding: gzip, chunked")}0\r\n\r\n`,
        501,
      ],
      [
        "chunks twice",
        `${post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")}0\r\n\r\n`,
        400,
      ],
      [
        "a coding that looks like chunks",
        `${post("Transfer-Encoding: xchunked")}0\r\n\r\n`,
        501,
      ],
      [
        "a space before the colon",
        `${post("Transfer-Encoding : chunked")}0\r\n\r\n`,
        400,
      ],
      ["a name with a NUL", post("X\0: y"), 400],
      ["a value with a NUL", post("X: a\0b"), 400],
      ["a value with a lone CR", post("X: a\rGET / HTTP/1.1"), 400],
      ["a header without a colon", post("nonsense"), 400],
      ["two hosts", post("Host: b"), 400],
      ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
      [
        "chunks in HTTP/1.0",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
      ],
      ["a target with a user", get("http://a@b/"), 400],
      ["a target of another kind", get("ftp://a/"), 400],
      ["a star that is no OPTIONS", get("*"), 400],
      ["a target with a space", get("/a b"), 400],
      ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400],
      ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
      ["HTTP/0.9", "GET /\r\n\r\n", 400],
      ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
      ["SSH", "SSH-2.0-OpenSSH_9.2\r\n", 400],
      ["headers of 70 kB", get("/", `X: ${"x".repeat(70_000)}`), 431],
      [
        "70 kB of small headers",
        get("/", ...Array<string>(20_000).fill("a:")),
        431,
      ],
      ["a path of 70 kB", get(`/${"x".repeat(70_000)}`), 431],
      ["an expectation that nobody knows", post("Expect: miracles"), 417],
    ];
    for (const [name, text, status] of HOSTILE)
      it(`${name} with ${status}, and the service sees nothing of it`, async () => {
        await started(Bench.http());
        const user = bench.open();
        user.socket.write(text + get("/smuggled"), "latin1");
        await eventually("a status", () => user.text.includes("\r\n\r\n"));
        expect(user.text.slice(9, 12)).to.equal(String(status));
        await within("the end", user.ended);
        expect(user.text.match(/HTTP.1.1 /g)).to.have.length(1);
        expect(bench.connections).to.equal(0);
      });

    for (const [when, says] of [
      ["before an answer, with 400", ""],
      [
        "within an answer, by breaking it off",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
      ],
    ] as const)
      it(`chunks whose sizes are nonsense, ${when}`, async () => {
        const services: Observed[] = [];
        await started(
          Bench.raw((service) => {
            services.push(service);
            service.socket.write(says);
          }),
        );
        const user = bench.open();
        user.socket.write(`${post("Transfer-Encoding: chunked")}1\r\nx\r\n`);
        await eventually("both", () => {
          const hasAll = services[0]?.text.includes("1\r\nx\r\n") === true;
          return hasAll && user.text.endsWith(says && "half");
        });
        user.socket.write("zz\r\n");
        expect(await within("the end", user.ended)).to.equal(
          says === "" ? "fin" : "reset",
        );
        if (says === "") expect(user.text).to.match(/^HTTP.1.1 400 /);
        expect(await within("the end", services[0]!.ended)).to.equal("reset");
      });

    it("no header that is one of many", async () => {
      await started(Bench.http());
      const many = Array.from({ length: 900 }, (_, n) => `x-${n}: y`);
      expect(await bench.say(get("/", ...many))).to.match(/^HTTP.1.1 200 /);
      expect(bench.requests[0]!.headers).to.have.property("x-899", "y");
    });
  });
});
