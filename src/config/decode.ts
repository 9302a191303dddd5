import type { TsopsError } from "../errors.ts";
import type { Field, MapNode, Node, Places } from "./node.ts";
import { configError, describe } from "./problem.ts";

/**
 * Takes values out of a `.sops.yaml` as Go's YAML library puts them into SOPS's structures (docs/internals/sops.md §7):
 * texts from any scalar as it is spelled, numbers and truth values from some others, null as if nothing were there.
 * What does not fit is collected, as there.
 */
export class Decoder {
  readonly errors: TsopsError[] = [];
  readonly places: Places;

  constructor(places: Places) {
    this.places = places;
  }

  fail(node: { at: number }, message: string, hint: string): void {
    this.errors.push(configError(message, this.places.at(node.at), hint));
  }

  /**
   * The fields of a map by name, `<<` resolved: a field of its own wins over a merged one, a nearer merge over a
   * farther one. Undefined, with an error, if the node is not a map; null has no fields.
   */
  fields(node: Node | undefined, what: string): Map<string, Field> | undefined {
    const fields = new Map<string, Field>();
    if (node === undefined || isNull(node)) return fields;
    if (node.kind !== "map") {
      this.fail(
        node,
        `${what} must be a map, and this is ${describe(node)}`,
        "write it as fields: name: value",
      );
      return undefined;
    }
    this.merge(node, fields);
    return fields;
  }

  private merge(map: MapNode, into: Map<string, Field>): void {
    const stack = [map];
    for (let next = stack.pop(); next; next = stack.pop()) {
      let from: Node | undefined;
      for (const field of next.fields) {
        if (field.key === "<<") from = field.node;
        else if (!into.has(field.key)) into.set(field.key, field);
      }
      if (!from) continue;
      const sources = from.kind === "list" ? from.items : [from];
      for (const source of [...sources].reverse()) {
        if (source.kind === "map") stack.push(source);
        else this.fail(source, `<< merges maps, and this is ${describe(source)}`, "name the anchor of a map");
      }
    }
  }

  text(field: Field | undefined, what: string): string {
    const node = field?.node;
    if (node === undefined || isNull(node)) return "";
    if (node.kind === "scalar") return node.spelling;
    this.fail(
      node,
      `${what} must be a text, and this is ${describe(node)}`,
      "write one value after the colon",
    );
    return "";
  }

  /** A fraction is cut off, as Go does. */
  integer(field: Field | undefined, what: string): number | undefined {
    const node = field?.node;
    if (node === undefined || isNull(node)) return undefined;
    if (node.kind === "scalar") {
      const { value } = node;
      if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) return Number(value);
      if (typeof value === "number" && Math.abs(value) < 2 ** 63) return Math.trunc(value);
    }
    this.fail(
      node,
      `${what} must be a whole number, and this is ${describe(node)}`,
      "write it without quotes",
    );
    return undefined;
  }

  /** Also the words of YAML 1.1, in quotes or not. */
  truth(field: Field | undefined, what: string): boolean {
    const node = field?.node;
    if (node === undefined || isNull(node)) return false;
    if (node.kind === "scalar") {
      const { value } = node;
      if (typeof value === "boolean") return value;
      if (typeof value === "string" && /^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(value)) return true;
      if (typeof value === "string" && /^(?:n|N|no|No|NO|off|Off|OFF)$/.test(value)) return false;
    }
    this.fail(
      node,
      `${what} must be true or false, and this is ${describe(node)}`,
      "write it without quotes",
    );
    return false;
  }

  /** The items of a list. Undefined if there is none; nulls in it are dropped, as Go does for structures and texts. */
  list(field: Field | undefined, what: string): Node[] | undefined {
    const node = field?.node;
    if (node === undefined || isNull(node)) return undefined;
    if (node.kind === "list") return node.items.filter((item) => !isNull(item));
    this.fail(node, `${what} must be a list, and this is ${describe(node)}`, "begin each item with a dash");
    return undefined;
  }

  /** A list of texts, each with its node. */
  texts(field: Field | undefined, what: string): { text: string; at: number; anchor?: string }[] {
    const texts: { text: string; at: number; anchor?: string }[] = [];
    for (const node of this.list(field, what) ?? []) {
      if (node.kind === "scalar") texts.push({ text: node.spelling, at: node.at, anchor: node.anchor });
      else
        this.fail(
          node,
          `${what} must be a list of texts, and this item is ${describe(node)}`,
          "write one value",
        );
    }
    return texts;
  }
}

export function isNull(node: Node): boolean {
  return node.kind === "scalar" && node.value === null;
}
