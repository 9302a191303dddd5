import { Random } from "./random.ts";

/**
 * A random YAML document, the same for the same seed: everything that people write, and what they hardly ever write.
 * Comments are numbered, so that a lost or doubled one is noticed. SOPS accepts nearly all of them.
 */
export function generateYaml(seed: number): string {
  return new YamlGenerator(new Random(seed)).file();
}

type Collection = "map" | "list";

class YamlGenerator {
  private readonly random: Random;
  /** How likely a comment is at a place where one may stand; the same all through a file. */
  private readonly density: number;
  private keys = 0;
  private comments = 0;
  private anchors: string[] = [];
  /** Those anchors that stand for maps, for merge keys. */
  private maps: string[] = [];

  constructor(random: Random) {
    this.random = random;
    this.density = random.pick([0, 0.1, 0.25, 0.6]);
  }

  file(): string {
    const { random } = this;
    const documents = random.chance(0.12) ? random.between(2, 3) : 1;
    let text = random.chance(0.02) ? "\ufeff" : "";
    for (let i = 0; i < documents; i++) text += this.document(i > 0);
    if (random.chance(0.1)) text = text.replace(/\n+$/, "");
    return random.chance(0.08) ? text.replaceAll("\n", "\r\n") : text;
  }

  private document(follows: boolean): string {
    const { random } = this;
    this.anchors = [];
    this.maps = [];
    let text = follows ? "" : this.gap(0, true);
    if (follows || random.chance(0.2)) text += `---${this.lineEnd()}${this.gap(0, true)}`;
    text += random.weighted([
      [0.95, () => this.map(0, random.between(1, 3))],
      [0.03, () => this.map(2, 2)],
      [0.02, () => `${this.flow(0, 2, true, "map")}${this.lineEnd()}`],
    ])();
    text += this.gap(0, true);
    if (random.chance(0.04)) text += `...${this.lineEnd()}`;
    return text;
  }

  /** The rest of a line: blanks, a comment, the line break. */
  private lineEnd(): string {
    const { random } = this;
    if (random.chance(this.density * 0.5)) return `${random.pick([" ", "  ", "\t"])}${this.comment()}\n`;
    return random.chance(0.02) ? " \n" : "\n";
  }

  private comment(): string {
    const { random } = this;
    if (random.chance(0.02)) return "#";
    const number = this.comments++;
    return random.pick([
      `# comment ${number}`,
      `#comment${number}`,
      `# old-${number}: value`,
      `## ${number} ##`,
    ]);
  }

  /** Blank lines and lines with comments, most of them where the next line begins. */
  private gap(indent: number, wide = false): string {
    const { random } = this;
    let text = random.chance(0.12) ? "\n" : "";
    if (!random.chance(this.density)) return text;
    for (let lines = random.between(1, wide ? 4 : 2); lines > 0; lines--) {
      if (random.chance(0.25)) text += "\n";
      const column = random.chance(0.85) ? indent : random.pick([0, indent + 2, Math.max(0, indent - 2)]);
      text += `${" ".repeat(column)}${this.comment()}\n`;
    }
    return text + (random.chance(0.2) ? "\n" : "");
  }

  private key(): string {
    const { random } = this;
    const name = `key${this.keys++}`;
    return random.weighted([
      [0.82, name],
      [0.06, `"${name}"`],
      [0.03, `'${name}'`],
      [0.03, `${name} with blanks`],
      [0.02, `${name}_unencrypted`],
      [0.02, `ключ${name}`],
      [0.02, `"${name}: \\"quoted\\""`],
    ]);
  }

  private map(indent: number, depth: number): string {
    let text = "";
    for (let entries = this.random.between(1, 4); entries > 0; entries--) {
      text += this.gap(indent) + " ".repeat(indent) + this.entry(indent, depth);
    }
    return text;
  }

  /** A key with its value, without the indent of its first line. */
  private entry(indent: number, depth: number): string {
    const { random } = this;
    if (random.chance(0.02))
      return `? ${this.key()}${this.lineEnd()}${" ".repeat(indent)}:${this.value(indent, depth)}`;
    if (this.maps.length > 0 && random.chance(0.08))
      return `<<: *${random.pick(this.maps as [string])}${this.lineEnd()}`;
    return `${this.key()}${random.chance(0.03) ? " " : ""}:${this.value(indent, depth)}`;
  }

  private list(indent: number, depth: number): string {
    const { random } = this;
    let text = "";
    for (let items = random.between(1, 4); items > 0; items--) {
      text += this.gap(indent) + " ".repeat(indent);
      // a map that begins on the line of its dash
      if (depth > 0 && random.chance(0.3)) text += `- ${this.compactMap(indent + 2, depth - 1)}`;
      else text += `-${this.value(indent, depth)}`;
    }
    return text;
  }

  private compactMap(indent: number, depth: number): string {
    let text = this.entry(indent, depth);
    for (let more = this.random.below(3); more > 0; more--) {
      text += this.gap(indent) + " ".repeat(indent) + this.entry(indent, depth);
    }
    return text;
  }

  /** What follows a `:` or `-`, up to and with its line break. */
  private value(indent: number, depth: number): string {
    const { random } = this;
    if (depth > 0 && random.chance(0.4)) return this.blockCollection(indent, depth - 1);
    return random.weighted<() => string>([
      [0.6, () => ` ${this.properties()}${this.scalar()}${this.lineEnd()}`],
      [0.1, () => ` ${this.properties()}${this.blockScalar(indent)}`],
      [0.06, () => ` ${this.multiLineScalar(indent)}${this.lineEnd()}`],
      [0.06, () => ` ${this.properties()}${this.flow(indent, 1, false)}${this.lineEnd()}`],
      [0.06, () => ` ${this.properties()}${this.flow(indent, 1, true)}${this.lineEnd()}`],
      [
        0.04,
        () =>
          this.anchors.length > 0 ? ` *${random.pick(this.anchors as [string])}${this.lineEnd()}` : " x\n",
      ],
      [0.04, () => this.lineEnd()],
      [
        0.04,
        () =>
          `${this.lineEnd()}${this.gap(indent + 2)}${" ".repeat(indent + 2)}${this.scalar()}${this.lineEnd()}`,
      ],
    ])();
  }

  private blockCollection(indent: number, depth: number): string {
    const { random } = this;
    const isMap = random.chance(0.55);
    const step = isMap ? random.pick([2, 2, 2, 4, 3]) : random.pick([2, 2, 0, 4]);
    // a list in a list needs to be deeper than its dash
    const inner = isMap
      ? this.map(indent + step, depth)
      : this.list(indent + Math.max(step, indent === 0 ? 0 : 2), depth);
    // known only after what it holds, which must not refer to it
    const anchor = random.chance(0.06) ? ` ${this.anchor(isMap)}` : "";
    return `${anchor}${this.lineEnd()}${inner}`;
  }

  private anchor(ofMap = false): string {
    const name = `a${this.anchors.length}`;
    this.anchors.push(name);
    if (ofMap) this.maps.push(name);
    return `&${name}`;
  }

  private properties(): string {
    const { random } = this;
    if (random.chance(0.05)) return `${this.anchor()} `;
    return random.chance(0.02) ? random.pick(["!!str ", "!custom "]) : "";
  }

  private scalar(): string {
    const { random } = this;
    return random.weighted<() => string>([
      [0.45, () => this.words()],
      [0.12, () => this.doubleQuoted()],
      [0.08, () => random.pick(["'single'", "'it''s'", "''", "'# no comment'", "'a: b'"])],
      [
        0.1,
        () =>
          random.pick(["0", "1", "-17", "9007199254740993", "0x1F", "017", "0b101", "1_000", "+3", "0o17"]),
      ],
      [
        0.08,
        () => random.pick(["1.5", "1.50", "-0.25", "1e3", "1e+06", ".5", "3.0", "6.02e23", ".inf", "-.inf"]),
      ],
      [0.07, () => random.pick(["true", "false", "True", "TRUE", "yes", "no", "on", "off"])],
      [0.04, () => random.pick(["~", "null", "Null"])],
      [
        0.06,
        () =>
          random.pick(["2024-02-29", "2001-12-14T21:59:43Z", "2001-12-14 21:59:43.10 +02:00", "12:30:45"]),
      ],
    ])();
  }

  private words(): string {
    const { random } = this;
    return random.pick([
      "word",
      "several words here",
      "x#y",
      "http://example.com:80/a?b=c#d",
      "p@ss:word!",
      "a,b",
      "{{ template }}".replace("{{", "x{{"),
      "naïve café",
      "日本語",
      "😀 smile",
      "back\\slash",
      "1.2.3",
      "0.1.0-beta",
      "-dash",
      "trailing colon:".slice(0, -1),
      `value${random.below(1000)}`,
    ]);
  }

  private doubleQuoted(): string {
    const { random } = this;
    return random.pick([
      '"double"',
      '""',
      '"a # b"',
      '"tab\\there"',
      '"line\\nbreak"',
      '"quote \\" and \\\\"',
      '"\\u00e9t\\u00e9"',
      '"\\x41\\t"',
      '"\\U0001F600"',
      '" leading and trailing "',
      '"true"',
      '"123"',
      '"é 😀"',
    ]);
  }

  private blockScalar(indent: number): string {
    const { random } = this;
    const inner = indent + 2;
    const header = `${random.pick(["|", "|", ">"])}${random.pick(["", "-", "+"])}`;
    const line = (): string =>
      `${" ".repeat(inner)}${random.chance(0.1) ? "  " : ""}${random.pick(["text", "# no comment", "key: value", "- item", "more words", "-----BEGIN KEY-----", "é😀"])}\n`;
    // an indented first line would need an indentation indicator
    let text = `${" ".repeat(inner)}first line\n`;
    for (let lines = random.below(4); lines > 0; lines--) text += random.chance(0.15) ? "\n" : line();
    if (random.chance(0.1)) text += "\n";
    const indicator = random.chance(0.05) ? "2" : "";
    const comment = random.chance(this.density * 0.3) ? ` ${this.comment()}` : "";
    return `${header[0]}${indicator}${header.slice(1)}${comment}\n${text}`;
  }

  private multiLineScalar(indent: number): string {
    const inner = " ".repeat(indent + 2);
    return this.random.pick([
      `"first\n${inner}second"`,
      `"first\n\n${inner}after a blank line"`,
      `"joined \\\n${inner}without a break"`,
      `'first\n${inner}second'`,
      `first\n${inner}second`,
    ]);
  }

  private flow(indent: number, depth: number, lines: boolean, kind?: Collection): string {
    const { random } = this;
    const isMap = (kind ?? random.pick(["map", "list"])) === "map";
    const items: string[] = [];
    for (let count = random.below(4); count > 0; count--) items.push(this.flowItem(indent, depth, isMap));
    const [open, close] = isMap ? "{}" : "[]";
    if (items.length === 0) return `${open}${close}`;
    if (!lines)
      return `${open}${random.pick(["", " "])}${items.join(random.pick([", ", ","]))}${random.pick(["", " "])}${close}`;
    const inner = " ".repeat(indent + 2);
    const ended = items.map(
      (item, i) =>
        `${inner}${item}${i < items.length - 1 || random.chance(0.3) ? "," : ""}${this.flowEnd(inner)}`,
    );
    return `${open}${this.flowEnd(inner)}${ended.join("")}${" ".repeat(indent + (indent > 0 ? 0 : 1))}${close}`;
  }

  private flowEnd(inner: string): string {
    const { random } = this;
    const end = random.chance(this.density * 0.5) ? ` ${this.comment()}\n` : "\n";
    return end + (random.chance(this.density * 0.4) ? `${inner}${this.comment()}\n` : "");
  }

  private flowItem(indent: number, depth: number, inMap: boolean): string {
    const { random } = this;
    const value =
      depth > 0 && random.chance(0.2)
        ? this.flow(indent, depth - 1, false)
        : random.pick([
            "word",
            "two words",
            '"double"',
            "'single'",
            "1",
            "2.5",
            "true",
            "null",
            '"a, b"',
            "''",
          ]);
    return inMap ? `${random.chance(0.9) ? `key${this.keys++}` : `"key${this.keys++}"`}: ${value}` : value;
  }
}
