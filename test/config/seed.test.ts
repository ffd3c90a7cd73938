// The configurations of the original's document, as they stand there, comments
// included: each of them must load and mean what its author meant.

import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";

const COMMENTED_HUB = `[route] ; route端的配置,是route端的监听设置,也是vnet端连接route端的设置
ip=127.0.0.1 ; ip地址,必填项
port=7749 ; 端口号,必填项
`;

const COMMENTED_NODE = `[route] ; route端的配置,是route端的监听设置,也是vnet端连接route端的设置
ip=127.0.0.1 ; ip地址,必填项
port=7749 ; 端口号,必填项

[vnet] ; vnet端的配置
name=xiao ; vnet名称
group=default ; 分组,只能共享同分组连接组网 ;不写则默认 default
terminal=true ; 是否开启命令行交互 ; 不开启则完全以配置文件为根据提供服务,startserve和startuse配置不生效 ; 开启则可在命令行界面进行额外配置,且startserve和startuse配置会生效 ; 不写则默认 false
startserve=false ; 是否启动时自动开启serve服务 ; 不写则默认 true
startuse=false ; 是否启动时自动映射use服务 ; 不写则默认 true
allow_unserve=false ; 是否允许被访问本vnet端未注册的服务 ; 不写则默认 false
unserve_remote=false ; 是否允许被访问本vnet端非localhost地址的未注册服务 ; 不写则默认 false
unserve_num=1 ; 允许被访问未注册服务总数量 ; 不写则默认 1

[serve.xrdp] ; 远程服务配置,serve字为标志字,后面的字符为服务名称,在配置文件中不可重复
serveid=999 ; 服务唯一标识,取值范围[1,499],其中[500,999]为静态标识,服务端不会更改,其他为动态标识,如果冲突,会被服务端动态修改 ; 可不写此项,默认000,在启动后,服务端自动分配
type=tcp ; 服务协议,vnet只支持tcp传输协议,基于tcp的其他协议也可借tcp链路传输 ; 可不写此项
ip=127.0.0.1 ; ip地址 ; 可不写此项,默认127.0.0.1
port=3389 ; 端口号,必填项
name=xrdp ; 服务名称,name配置项不存在的话,以serve标志字后的服务名称为name配置名称 ; 可不写此项
info=Microsoft remote desktop protocol ; 服务补充信息 ; 可不写此项
active=false ; 是否激活,其作用在于是否在vnet端启动时被自动化处理,如果不激活,则需在命令行手动处理 ; 可不写此项,默认激活

[use.xrdp] ; 映射服务配置,use字为标志字,后面的字符为服务名称,在配置文件中不可重复,use服务名称无实际意义,仅作区分其他use配置意义
serveid=999 ; 服务唯一标识,必填项,取值范围[1,999],是识别和获取远程服务的唯一根据,获取到则开启映射,为获取到则待命 ; 不写或写000则不会开启此项配置
ip=127.0.0.1 ; ip地址 ; 可不写此项,默认127.0.0.1
port=33389 ; 端口号,映射服务监听端口 ; 可不写此项,默认使用原端口
active=false ; 是否激活,其作用在于是否在vnet端启动时被自动化处理,如果不激活,则需在命令行手动处理 ; 可不写此项,默认激活
`;

const HOME = `[route]
ip=10.12.140.180
port=7749

[vnet]
name=remote-ssh
group=default-ssh
terminal=false
startserve=true
startuse=false
allow_unserve=true
unserve_remote=false
unserve_num=3

[serve.ssh]
serveid=700
type=tcp
ip=127.0.0.1
port=22
name=ssh
info=home-ssh
active=true
`;

const HUB = `[route]
ip=0.0.0.0
port=7749
`;

const OFFICE = `[route]
ip=10.12.140.180
port=7749

[vnet]
name=local-ssh
group=default-ssh
terminal=true
startserve=false
startuse=true
allow_unserve=false
unserve_remote=false
unserve_num=3

[use.ssh]
serveid=700
ip=127.0.0.1
port=1122
active=true
`;

/** What the original document did not know of. */
const PLAIN = {
  authkey: "",
  fingerprint: "",
  heartbeatIntervalMs: 4_000,
  heartbeatTimeoutMs: 12_000,
  retryIntervalMs: 0,
  proxyProtocol: false,
  proxyFrom: "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
  connectLine: false,
  state: "",
};
const { limits, drainSeconds, log } = parseHubConfig(
  "[route]\nip=127.0.0.1",
  "none",
);

describe("The configurations of the original document", () => {
  it("load for a hub: the commented one", () => {
    expect(parseHubConfig(COMMENTED_HUB, "config.ini")).to.deep.equal({
      route: { ...PLAIN, ip: "127.0.0.1", port: 7749 },
      groups: [],
      publics: [],
      limits,
      drainSeconds,
      log,
      warnings: [],
    });
  });

  it("load for a hub: the one of the example", () => {
    expect(parseHubConfig(HUB, "config.ini")).to.deep.equal({
      route: { ...PLAIN, ip: "0.0.0.0", port: 7749 },
      groups: [],
      publics: [],
      limits,
      drainSeconds,
      log,
      // It loads and works as ever, and is told what it leaves open.
      warnings: [
        "config.ini: [route] has no authkey: whoever reaches this port can join any group; write authkey=auto to have one made",
      ],
    });
  });

  it("load for a hub although they were written for a node", () => {
    for (const text of [COMMENTED_NODE, HOME, OFFICE])
      expect(parseHubConfig(text, "config.ini").route.port).to.equal(7749);
  });

  it("load for a node: the commented one, with its comments behind everything", () => {
    expect(parseNodeConfig(COMMENTED_NODE, "config.ini")).to.deep.equal({
      route: { ...PLAIN, ip: "127.0.0.1", port: 7749 },
      log,
      vnet: {
        name: "xiao",
        group: "default",
        terminal: true,
        startserve: false,
        startuse: false,
        allowUnserve: false,
        unserveRemote: false,
        unserveNum: 1,
        unserveTtlSeconds: 180,
        unserveLingerSeconds: 60,
        drainSeconds,
        secret: "",
        encrypt: true,
        state: "",
      },
      serves: [
        {
          label: "xrdp",
          serveid: 999,
          type: "tcp",
          ip: "127.0.0.1",
          port: 3389,
          name: "xrdp",
          info: "Microsoft remote desktop protocol",
          active: false,
          allow: "",
          host: "",
          hosts: "",
          trustForwarded: false,
          check: true,
          share: "exclusive",
          peers: "",
        },
      ],
      uses: [
        {
          label: "xrdp",
          fingerprint: "",
          serveid: 999,
          serve: "",
          to: "",
          ip: "127.0.0.1",
          port: 33389,
          active: false,
        },
      ],
      warnings: [],
    });
  });

  it("load for a node: home, where terminal=false makes startuse=false count as true", () => {
    const config = parseNodeConfig(HOME, "config.ini");
    expect(config.route).to.deep.equal({
      ...PLAIN,
      ip: "10.12.140.180",
      port: 7749,
    });
    expect(config.vnet).to.deep.include({
      name: "remote-ssh",
      group: "default-ssh",
      terminal: false,
      startserve: true,
      startuse: true,
      allowUnserve: true,
      unserveNum: 3,
    });
    expect(config.serves).to.deep.equal([
      {
        label: "ssh",
        serveid: 700,
        type: "tcp",
        ip: "127.0.0.1",
        port: 22,
        name: "ssh",
        info: "home-ssh",
        active: true,
        allow: "",
        host: "",
        hosts: "",
        trustForwarded: false,
        check: true,
        share: "exclusive",
        peers: "",
      },
    ]);
    expect(config.uses).to.deep.equal([]);
    expect(config.warnings).to.deep.equal([]);
  });

  it("load for a node: the office, where terminal=true keeps startserve=false", () => {
    const config = parseNodeConfig(OFFICE, "config.ini");
    expect(config.vnet).to.deep.include({
      name: "local-ssh",
      terminal: true,
      startserve: false,
      startuse: true,
    });
    expect(config.serves).to.deep.equal([]);
    expect(config.uses).to.deep.equal([
      {
        label: "ssh",
        serveid: 700,
        serve: "",
        to: "",
        fingerprint: "",
        ip: "127.0.0.1",
        port: 1122,
        active: true,
      },
    ]);
    expect(config.warnings).to.deep.equal([]);
  });
});
