// One section: which of the table's it is, and its entries as typed values.
// Owned by one parse; never decides what several sections mean together.

import { nearestName } from "../nearest.js";
import type { IniSection } from "./ini.js";
import { formatPlace, quoteFound } from "./problem.js";
import type { Place, Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import type { KeySpec, KeySpecs } from "./key-spec.js";
import type { SectionKind } from "./schema.js";
import { LABEL, isLabel, type ValueKind } from "./value.js";

export interface KnownSection {
  readonly kind: SectionKind;
  /** behind the dot; empty where the table has no label */
  readonly label: string;
  readonly ini: IniSection;
}

type Values<K extends KeySpecs> = {
  [P in keyof K]: K[P] extends KeySpec<infer T> ? T : never;
};

export interface SectionValues<K extends KeySpecs> {
  /** every key of the table; its fallback where absent or not valid */
  readonly values: Values<K>;
  /** the lines of the keys that were there and valid */
  readonly lines: ReadonlyMap<keyof K, number>;
}

const GLUED_REMEDY =
  "put the value in quotes if that belongs to it, or a blank before the comment";

const MISREAD =
  "other text in this file is not UTF-8, so this may be read as other characters than you wrote; save the file as UTF-8";

const KINDS = Object.keys(SECTIONS) as SectionKind[];
const TITLES = KINDS.map((kind) => SECTIONS[kind].title).join(", ");

/** The sections whose names are known; the others become problems. */
export function knownSections(
  sections: readonly IniSection[],
  problems: Problems,
): KnownSection[] {
  return sections.flatMap((ini) => classify(ini, problems) ?? []);
}

function classify(
  ini: IniSection,
  problems: Problems,
): KnownSection | undefined {
  const dot = ini.name.indexOf(".");
  const head = dot < 0 ? ini.name : ini.name.slice(0, dot);
  const kind = KINDS.find((name) => name === head);
  if (kind !== undefined && SECTIONS[kind].labelled === dot >= 0) {
    const label = dot < 0 ? "" : ini.name.slice(dot + 1);
    if (dot < 0 || isLabel(label)) return { kind, label, ini };
    problems.add(
      { line: ini.line, section: ini.name },
      `found ${quoteFound(label)} behind the dot, allowed ${LABEL.allowed}, as in [${kind}.ssh]`,
    );
    return undefined;
  }
  problems.add(
    { line: ini.line, section: ini.name },
    `found an unknown section, allowed ${TITLES}${suggestSection(ini.name)}`,
  );
  return undefined;
}

function suggestSection(name: string): string {
  const [head = "", rest = ""] = name.split(/[.:_\-\s](.*)/s);
  const kind = nearestName(head, KINDS) as SectionKind | undefined;
  if (kind === undefined) return "";
  const title =
    SECTIONS[kind].labelled && isLabel(rest.trim())
      ? `[${kind}.${rest.trim()}]`
      : SECTIONS[kind].title;
  return `; did you mean ${title}?`;
}

/**
 * The entries of `section` read by the table's `keys`. Unknown keys and values
 * that are not allowed go to `problems`, old names to `warnings`.
 */
export function readSection<K extends KeySpecs>(
  section: IniSection,
  keys: K,
  problems: Problems,
  warnings: string[],
): SectionValues<K> {
  const values = new Map<string, unknown>(
    Object.entries(keys).map(([key, spec]) => [key, spec.fallback]),
  );
  const lines = new Map<keyof K, number>();
  const doubt = (place: Place, text: string) =>
    warnings.push(formatPlace(problems.file, place, text));
  if (section.misread === true)
    doubt({ line: section.line, section: section.name }, MISREAD);
  for (const entry of section.entries.values()) {
    const { key, value, line, glued } = entry;
    const place = { line, section: section.name, key };
    const spec = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (spec === undefined) {
      problems.add(place, unknownKey(key, keys));
      continue;
    }
    const target = spec.deprecatedFor;
    if (target !== undefined) {
      const twin = section.entries.get(target);
      if (twin !== undefined) {
        problems.add(
          place,
          `found beside ${target} on line ${twin.line}, allowed: ${target} only (this is its old name)`,
        );
        continue;
      }
      doubt(place, `this is an old name; write ${target}`);
    }
    if (value === null) continue;
    if (glued !== undefined && spec.kind.isSecret === true) {
      problems.add(
        place,
        `found # or ; inside it, which begins a comment; ${GLUED_REMEDY}`,
      );
      continue;
    }
    const parsed = spec.kind.parse(value);
    // Where the whole would be no such value, it is clear what was meant.
    const isGlued = glued !== undefined && spec.kind.parse(glued) !== undefined;
    if (parsed === undefined) {
      const hint = isGlued
        ? `; # or ; begins a comment; ${GLUED_REMEDY}`
        : wideHint(spec.kind, value);
      problems.add(
        place,
        `found ${foundOf(spec.kind, value)}, allowed ${spec.kind.allowed}${hint}`,
      );
      continue;
    }
    if (isGlued) {
      const shown = quoteFound(spec.kind.shown?.(value) ?? value);
      const advice = `what follows # or ; is a comment, so the value is ${shown}; ${GLUED_REMEDY}`;
      doubt(place, advice);
    }
    if (entry.misread === true) doubt(place, MISREAD);
    const ownDoubt = spec.kind.doubt?.(parsed) ?? null;
    if (ownDoubt !== null) doubt(place, ownDoubt);
    values.set(target ?? key, parsed);
    lines.set(target ?? key, line);
  }
  return { values: Object.fromEntries(values) as Values<K>, lines };
}

/** `22 ；comment`: what an input method writes for ; and # begins no comment. */
function wideHint(kind: ValueKind<unknown>, value: string): string {
  const at = value.search(/[；＃]/);
  return at >= 0 && kind.parse(value.slice(0, at).trimEnd()) !== undefined
    ? `; ${value[at] ?? ""} begins no comment, write ; or #`
    : "";
}

/** The value as it may be shown, and why it is none where that has a reason of its own. */
function foundOf(kind: ValueKind<unknown>, value: string): string {
  if (kind.isSecret === true) return "something else";
  const reason = kind.whyNot?.(value) ?? null;
  const found = quoteFound(kind.shown?.(value) ?? value);
  return reason === null ? found : `${found} (${reason})`;
}

function unknownKey(key: string, keys: KeySpecs): string {
  const names = Object.keys(keys).filter(
    (name) => keys[name]?.deprecatedFor === undefined,
  );
  const near = nearestName(key, names);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return `found an unknown key, allowed ${names.join(", ")}${hint}`;
}
