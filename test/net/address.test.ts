import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  addressKey,
  formatAddress,
  isLoopback,
  networkError,
  networkOf,
  networkReason,
} from "../../src/net/address.js";

const systemError = (code: string) =>
  Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });

describe("formatAddress", () => {
  const rows: [string, string][] = [
    ["127.0.0.1", "127.0.0.1:22"],
    ["::1", "[::1]:22"],
    ["2001:db8::1", "[2001:db8::1]:22"],
    ["example.org", "example.org:22"],
  ];
  for (const [host, text] of rows)
    it(`writes ${text}`, () => {
      expect(formatAddress(host, 22)).to.equal(text);
    });
});

describe("networkOf", () => {
  const rows: [string, string][] = [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:207", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::6", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::1.2.3.4", "0:0:0:0::/64"],
    ["unix", "unix"],
    ["example.org", "example.org"],
  ];
  for (const [address, network] of rows)
    it(`says ${network} of ${address}`, () => {
      expect(networkOf(address)).to.equal(network);
    });
});

describe("formatAddress of a link", () => {
  const rows: [string, string][] = [
    ["unix:/run/db.sock", "unix:/run/db.sock"],
    ["exec:/usr/bin/ssh -W secret:22 host", "exec:ssh"],
    ["vsock:3:22", "vsock:3:22"],
    ["hvsock:/run/vm.sock:22", "hvsock:/run/vm.sock:22"],
  ];
  for (const [link, text] of rows)
    it(`writes ${text}, without a port`, () => {
      expect(formatAddress(link, 0)).to.equal(text);
    });
});

describe("addressKey", () => {
  it("is the address where that is a host", () => {
    expect(addressKey("::1", 22)).to.equal("[::1]:22");
    expect(addressKey("fe80::1%eth0", 22)).to.equal("[fe80::1%eth0]:22");
    expect(addressKey("例子.测试", 22)).to.equal("例子.测试:22");
  });

  it("is one word, also where a path has spaces", () => {
    expect(addressKey("unix:/a b", 0)).to.equal("unix:/a%20b");
  });

  it("tells programs with other arguments apart, and tells nothing of them", () => {
    const [a, b] = ["one", "two"].map((host) =>
      addressKey(`exec:ssh -W ${host}:22 jump`, 0),
    );
    expect(a).to.match(/^exec:ssh#[0-9a-f]{16}$/);
    expect(b)
      .to.match(/^exec:ssh#[0-9a-f]{16}$/)
      .and.not.equal(a);
    expect(addressKey("exec:ssh -W one:22 jump", 0)).to.equal(a);
  });
});

describe("isLoopback", () => {
  for (const host of [
    "127.0.0.1",
    "127.0.0.0",
    "127.255.255.255",
    "::1",
    "0:0:0:0:0:0:0:1",
    "localhost",
    "LocalHost",
  ])
    it(`holds for ${host}`, () => {
      expect(isLoopback(host)).to.equal(true);
    });

  for (const host of [
    "",
    "0.0.0.0",
    "::",
    "126.255.255.255",
    "128.0.0.1",
    "10.0.0.1",
    "192.168.127.1",
    "::2",
    "fe80::1",
    "localhost.example.org",
    "localhost ",
    "127.0.0.1.example.org",
    "127.1",
    "0x7f000001",
    "127.0.0.1:80",
    "[::1]",
    "unix:/run/db.sock",
    "exec:localhost",
    "vsock:1:22",
    "hvsock:/run/vm.sock:22",
  ])
    it(`does not hold for ${JSON.stringify(host)}`, () => {
      expect(isLoopback(host)).to.equal(false);
    });
});

describe("networkReason", () => {
  it("puts what the operating system says in words", () => {
    const rows: [string, string][] = [
      ["ECONNREFUSED", "connection refused, nothing listens there"],
      ["ECONNRESET", "connection reset"],
      ["EADDRINUSE", "that port is already in use"],
      ["ENOTFOUND", "no such host name"],
      ["EMFILE", "too many open files (raise `ulimit -n`)"],
    ];
    for (const [code, words] of rows)
      expect(networkReason(systemError(code))).to.equal(words);
  });

  it("has other words where a socket file is meant", () => {
    const about = (code: string) =>
      networkReason(Object.assign(systemError(code), { address: "/run/x" }));
    expect(about("EADDRINUSE")).to.include("that file is there already");
    expect(about("EPROTOTYPE")).to.include("a socket of another kind");
    expect(about("EROFS")).to.include("read-only");
  });

  it("leaves what it has no words for as it is", () => {
    expect(networkReason(new Error("odd"))).to.equal("odd");
    const error = systemError("EODD");
    expect(networkReason(error)).to.equal(error.message);
  });

  it("takes the first of several attempts", () => {
    const both = new AggregateError([
      systemError("ECONNREFUSED"),
      systemError("ENETUNREACH"),
    ]);
    expect(networkReason(both)).to.include("connection refused");
    expect(networkReason(new AggregateError([], "none"))).to.equal("none");
  });

  it("takes over the words of an error of ours", () => {
    expect(networkReason(new VnetError("timeout", "too late"))).to.equal(
      "too late",
    );
  });
});

describe("networkError", () => {
  it("says what failed and why, and keeps the cause", () => {
    const cause = systemError("ECONNREFUSED");
    const error = networkError("cannot connect", cause);
    expect(error).to.be.instanceOf(VnetError);
    expect(error.code).to.equal("network");
    expect(error.message).to.match(/^cannot connect: connection refused/);
    expect(error.cause).to.equal(cause);
  });
});
