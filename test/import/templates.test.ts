// frp's templates: what is filled in from where, and what is refused by name.

import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { importText } from "../../src/import/import.js";
import { readBack, type Sections } from "./read-back.js";

async function filled(
  text: string,
  environment: Record<string, string> = {},
  file = "frpc.toml",
): Promise<{ text: string; sections: Sections }> {
  const { text: printed } = await importText(text, file, (p) => `./${p}`, {
    environment,
  });
  return { text: printed, sections: readBack(printed) };
}

async function refused(text: string, file = "frpc.toml"): Promise<string> {
  return filled(text, {}, file).then(
    () => "nothing was refused",
    (error: unknown) =>
      error instanceof VnetError ? error.message : String(error),
  );
}

describe("The templates of frp", () => {
  const cases: [what: string, text: string, file?: string][] = [
    [
      "in quotes",
      'serverAddr = "{{ .Envs.HOST }}"\nserverPort = 7001\nauth.token = "{{.Envs.TOKEN}}"\n',
    ],
    [
      "alone where TOML wants a number",
      'serverAddr = "h"\nserverPort = {{ .Envs.PORT }}\nauth.token = "{{ .Envs.TOKEN }}"\n',
    ],
    [
      "in the old INI, also behind a #",
      "[common]\nserver_addr = h\nserver_port = {{ .Envs.PORT }}\ntoken = long#{{ .Envs.END }}\n",
      "frpc.ini",
    ],
    [
      "in YAML, with minus signs",
      "serverAddr: h\nserverPort: {{- .Envs.BLANK -}} {{ .Envs.PORT }}\nauth: {token: '{{ index .Envs \"TOKEN\" }}'}\n",
      "frpc.yaml",
    ],
  ];
  const environment = {
    HOST: "h",
    PORT: "7001",
    TOKEN: "long#token",
    END: "token",
    BLANK: " ",
  };
  for (const [what, text, file] of cases)
    it(`are filled in ${what}`, async () => {
      const { sections, text: printed } = await filled(text, environment, file);
      expect(sections.route).to.deep.equal({
        ip: "h",
        port: "7001",
        authkey: "long#token",
      });
      expect(printed).to.include("templates are filled in");
    });

  it("are told where the environment has no such variable", async () => {
    const text = 'serverAddr = "h"\nserverPort = {{ .Envs.PORT }}\n';
    expect(await refused(text)).to.equal(
      "frpc.toml:2: found the template {{ .Envs.PORT }} and no environment variable PORT; give it by --env PORT=VALUE",
    );
    expect(await refused(text.replace(".PORT", ".constructor"))).to.include(
      "no environment variable constructor",
    );
  });

  it("are a proxy for each port of a range", async () => {
    const { sections, text } = await filled(
      `serverAddr = "h"
{{- range $_, $v := parseNumberRangePair "6000-6002,6007" "7000-7002,7007" }}
[[proxies]]
name = "tcp-{{ $v.First }}"
type = "tcp"
localPort = {{ $v.First }}
remotePort = {{ $v.Second }}
{{- end }}
{{- range $i, $p := parseNumberRange "22,80" }}
[[proxies]]
name = "own-{{ $i }}"
type = "stcp"
localPort = {{ $p }}
{{- end }}
`,
    );
    const serves = Object.entries(sections).flatMap(([title, { port }]) =>
      title.startsWith("serve.") ? [`${title} ${port}`] : [],
    );
    expect(serves).to.deep.equal([
      "serve.tcp-6000 6000",
      "serve.tcp-6001 6001",
      "serve.tcp-6002 6002",
      "serve.tcp-6007 6007",
      "serve.own-0 22",
      "serve.own-1 80",
    ]);
    expect(text).to.match(/^; port=7007$/m);
  });

  const wrong: [what: string, text: string, says: string][] = [
    [
      "another action",
      'serverAddr = "h"\n{{ if .Envs.X }}\nuser = "x"\n{{ end }}\n',
      'frpc.toml:2: found the template action "{{ if .Envs.X }}"; {{ .Envs.NAME }} is filled in',
    ],
    [
      "a range over something else",
      'serverAddr = "h"\n{{ range .Envs }}{{ end }}\n',
      'found the template action "{{ range .Envs }}"',
    ],
    [
      "a range of unequal sides",
      'serverAddr = "h"\n{{ range $v := parseNumberRangePair "1-2" "3" }}{{ end }}\n',
      "found 2 and 1 ports",
    ],
    [
      "a range without an end",
      'serverAddr = "h"\n{{ range $v := parseNumberRange "1-2" }}\n',
      "without an {{ end }}",
    ],
    [
      "an opening that is not closed",
      'serverAddr = "h"\n\nuser = "{{ .Envs.U"\n',
      "frpc.toml:3: found {{ without",
    ],
    [
      "ranges in ranges without bound",
      `serverAddr = "h"\n${'{{ range parseNumberRange "1-65535" }}'.repeat(4)}# x\n${"{{ end }}".repeat(4)}`,
      "more than 1 MiB",
    ],
    [
      "ranges in ranges that say nothing",
      `serverAddr = "h"\n${'{{ range parseNumberRange "1-65535" }}'.repeat(4)}${"{{ end }}".repeat(4)}`,
      "more than 1 MiB",
    ],
    [
      "ranges in ranges deeper than any stack",
      `serverAddr = "h"\n${'{{ range parseNumberRange "1" }}'.repeat(10_000)}${"{{ end }}".repeat(10_000)}`,
      "frpc.toml:2: found {{ range }} in {{ range }} more than 100 times",
    ],
  ];
  for (const [what, text, says] of wrong)
    it(`are refused with ${what}`, async () => {
      expect(await refused(text)).to.include(says);
    });

  it("may be ranges in ranges, each with the values of those around it", async () => {
    const deep = '{{ range parseNumberRange "1" }}';
    const { sections } = await filled(
      `serverAddr = "h"
${deep.repeat(98)}
{{- range $i, $a := parseNumberRange "10,20" }}
{{- range $b := parseNumberRangePair "1-2" "3-4" }}
[[proxies]]
name = "{{ $i }}-{{ $b.Second }}"
type = "stcp"
localPort = {{ $a }}{{ $b.First }}
{{- end }}
{{- end }}
${"{{ end }}".repeat(98)}`,
    );
    const ports = Object.entries(sections).flatMap(([title, { port }]) =>
      title.startsWith("serve.") ? [`${title} ${port}`] : [],
    );
    expect(ports).to.deep.equal([
      "serve.0-3 101",
      "serve.0-4 102",
      "serve.1-3 201",
      "serve.1-4 202",
    ]);
  });

  it("are told once where they are wrong in each round of a range", async () => {
    const message = await refused(
      `serverAddr = "h"\n{{ range parseNumberRange "0-65535" }}\n{{ range parseNumberRangePair "0-65535" "1" }}{{ end }}\n{{ .Envs.NONE }}\n{{ end }}\n`,
    );
    expect(message.split("\n").map((line) => line.slice(0, 35))).to.deep.equal([
      "frpc.toml:3: found 65536 and 1 port",
      "frpc.toml:4: found the template {{ ",
    ]);
  }).timeout(20_000);

  it("are told up to 200 times, as a file of wrong ranges would take a minute", async () => {
    const wrong = Array.from(
      { length: 16_000 },
      (_, at) => `{{ range parseNumberRangePair "0-65535" "${at}" }}{{ end }}`,
    );
    const message = await refused(`serverAddr = "h"\n${wrong.join("\n")}`);
    expect(message.split("\n")).to.have.length(21);
    expect(message).to.include("frpc.toml: and 180 more");
  }).timeout(20_000);

  it("are none in a comment, nor in another program's file", async () => {
    const { sections } = await filled(
      'serverAddr = "h"\n# user = "{{ .Envs.U }}"\n',
    );
    expect(sections.route!.ip).to.equal("h");
    const topic = "a{{ .Envs.U }}b";
    const network = { server_host: "h", server_port: 1, topic, port: 2 };
    const qjw = await filled(
      JSON.stringify({ networks: [network] }),
      {},
      "config.json",
    );
    expect(qjw.sections).to.have.property("route");
  });
});
