import type { TsopsError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Field, MapNode, Node, Places } from "./node.ts";
import { configError, describe } from "./problem.ts";

/**
 * What a place in a `.sopsrc` may hold. One description serves both: checking a file, with line and column, and the
 * JSON Schema that editors use.
 */
export type Shape = TextShape | NumberShape | TruthShape | ListShape | NamesShape | FieldsShape | EitherShape;

interface Described {
  readonly about?: string;
}

interface TextShape extends Described {
  readonly is: "text";
  /** What the whole text must match, and how to say so. */
  readonly form?: { readonly pattern: RegExp; readonly words: string };
  /** What the text must match, for editors: here more is said of it than that it does not. */
  readonly schemaPattern?: string;
  /** The only texts that may stand there. */
  readonly oneOf?: readonly string[];
  readonly examples?: readonly string[];
}

interface NumberShape extends Described {
  readonly is: "number";
  /** A whole number from here up. */
  readonly from: number;
  readonly to?: number;
}

interface TruthShape extends Described {
  readonly is: "truth";
  readonly default?: boolean;
}

interface ListShape extends Described {
  readonly is: "list";
  readonly of: Shape;
  readonly atLeast?: number;
}

/** A map from names that people choose. */
interface NamesShape extends Described {
  readonly is: "names";
  readonly name: { readonly pattern: RegExp; readonly words: string };
  readonly of: Shape;
}

/** A map with fields that are known. */
export interface FieldsShape extends Described {
  readonly is: "fields";
  readonly fields: Readonly<Record<string, Shape>>;
  readonly needed?: readonly string[];
  /** What other programs call these fields, SOPS first of all, and what to write instead. */
  readonly otherNames?: Readonly<Record<string, string>>;
  /** Of each of these lists one field at most may be there. */
  readonly atMostOne?: readonly (readonly string[])[];
  /** Of each of these lists exactly one field must be there. */
  readonly exactlyOne?: readonly (readonly string[])[];
}

/** One of several, told apart by what stands there: a text, a list or a map. */
interface EitherShape extends Described {
  readonly is: "either";
  readonly of: readonly Shape[];
}

/** Everything in a tree that its shape does not allow, each with its place. */
export function checkShape(root: MapNode, shape: Shape, what: string, places: Places): TsopsError[] {
  const errors: TsopsError[] = [];
  const fail = (at: number, message: string, hint: string) =>
    void errors.push(configError(message, places.at(at), hint));

  const check = (node: Node, shape: Shape, what: string): void => {
    const fitting = shape.is === "either" ? shape.of.find((one) => fits(node, one)) : shape;
    if (!fitting || !fits(node, fitting)) {
      fail(node.at, `${what} must be ${wordsFor(shape)}, and this is ${describe(node)}`, HINT);
      return;
    }
    if (fitting.is === "text" && node.kind === "scalar")
      checkText(node.at, String(node.value), fitting, what);
    else if (fitting.is === "number" && node.kind === "scalar")
      checkNumber(node.at, Number(node.value), fitting, what);
    else if (fitting.is === "list" && node.kind === "list") {
      if (node.items.length < (fitting.atLeast ?? 0))
        fail(node.at, `${what} is empty`, "put something into it");
      node.items.forEach((item, i) => void check(item, fitting.of, `item ${i + 1} of ${what}`));
    } else if (node.kind === "map") {
      checkTwice(node.fields, what);
      if (fitting.is === "names") {
        for (const field of node.fields) {
          if (!fitting.name.pattern.test(field.key))
            fail(field.at, `a name in ${what} is not valid`, fitting.name.words);
          check(field.node, fitting.of, `${field.key} in ${what}`);
        }
      } else if (fitting.is === "fields") checkFields(node, fitting, what);
    }
  };

  const checkText = (at: number, text: string, { form, oneOf }: TextShape, what: string) => {
    if (text === "") fail(at, `${what} is empty`, "write a value, or remove the field");
    else if (oneOf && !oneOf.includes(text))
      fail(at, `${what} is not one of the possible values`, choiceHint(text, oneOf));
    else if (form && !form.pattern.test(text)) fail(at, `${what} is not ${form.words}`, HINT);
  };

  const checkNumber = (at: number, value: number, { from, to }: NumberShape, what: string) => {
    if (value >= from && value <= (to ?? Number.POSITIVE_INFINITY)) return;
    const range = to === undefined ? `${from} or more` : `${from} to ${to}`;
    fail(at, `${what} must be ${range}`, "write a number in that range");
  };

  const checkTwice = (fields: readonly Field[], what: string) => {
    const seen = new Set<string>();
    for (const { key, at } of fields) {
      if (seen.has(key)) fail(at, `a field of ${what} occurs twice`, "keep one of the two");
      seen.add(key);
    }
  };

  const checkFields = (node: MapNode, shape: FieldsShape, what: string) => {
    const known = Object.keys(shape.fields);
    const given = new Map(node.fields.map((field) => [field.key, field]));
    for (const field of node.fields) {
      const inner = known.includes(field.key) ? shape.fields[field.key] : undefined;
      if (inner) check(field.node, inner, what === "the file" ? field.key : `${field.key} of ${what}`);
      else
        fail(
          field.at,
          `${what} has an unknown field`,
          otherName(field.key, shape) ?? unknownHint(field.key, known),
        );
    }
    const missing = shape.needed?.find((name) => !given.has(name));
    if (missing !== undefined) fail(node.at, `${what} has no ${missing}`, "add it");
    for (const names of [...(shape.atMostOne ?? []), ...(shape.exactlyOne ?? [])]) {
      const [first, second] = names.flatMap((name) => given.get(name) ?? []);
      if (first && second) {
        fail(second.at, `${what} has both ${first.key} and ${second.key}`, "only one of them may be there");
      }
    }
    for (const names of shape.exactlyOne ?? []) {
      if (!names.some((name) => given.has(name)))
        fail(node.at, `${what} has no ${names.join(" and no ")}`, "add one");
    }
  };

  check(root, shape, what);
  return errors;
}

const HINT = "`tsops config --help` lists the fields";

function otherName(name: string, { otherNames = {} }: FieldsShape): string | undefined {
  return Object.hasOwn(otherNames, name) ? `in .sopsrc this is called ${otherNames[name]}` : undefined;
}

function choiceHint(text: string, choice: readonly string[]): string {
  const meant = nearest(text, choice);
  return meant === undefined ? `write one of ${choice.join(", ")}` : `did you mean ${meant}?`;
}

export function unknownHint(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? `its possible fields are: ${known.join(", ")}` : `did you mean ${meant}?`;
}

function fits(node: Node, shape: Shape): boolean {
  switch (shape.is) {
    case "text":
      return node.kind === "scalar" && typeof node.value === "string";
    case "number":
      return node.kind === "scalar" && (typeof node.value === "bigint" || Number.isInteger(node.value));
    case "truth":
      return node.kind === "scalar" && typeof node.value === "boolean";
    case "list":
      return node.kind === "list";
    case "names":
    case "fields":
      return node.kind === "map";
    case "either":
      return shape.of.some((one) => fits(node, one));
  }
}

function wordsFor(shape: Shape): string {
  switch (shape.is) {
    case "text":
      return "a text";
    case "number":
      return "a whole number";
    case "truth":
      return "true or false";
    case "list":
      return "a list";
    case "names":
    case "fields":
      return "a map";
    case "either":
      return shape.of.map(wordsFor).join(" or ");
  }
}

/** The JSON Schema (draft 7, which editors know best) of a shape. */
export function jsonSchema(shape: Shape): Record<string, unknown> {
  const about = shape.about === undefined ? {} : { description: shape.about };
  switch (shape.is) {
    case "text":
      return {
        type: "string",
        ...about,
        ...(shape.oneOf ? { enum: shape.oneOf } : { minLength: 1 }),
        ...(shape.form && { pattern: shape.form.pattern.source }),
        ...(shape.schemaPattern !== undefined && { pattern: shape.schemaPattern }),
        ...(shape.examples && { examples: shape.examples }),
      };
    case "number":
      return {
        type: "integer",
        ...about,
        minimum: shape.from,
        ...(shape.to !== undefined && { maximum: shape.to }),
      };
    case "truth":
      return { type: "boolean", ...about, ...(shape.default !== undefined && { default: shape.default }) };
    case "list":
      return {
        type: "array",
        ...about,
        items: jsonSchema(shape.of),
        ...(shape.atLeast && { minItems: shape.atLeast }),
      };
    case "names":
      return {
        type: "object",
        ...about,
        propertyNames: { pattern: shape.name.pattern.source },
        additionalProperties: jsonSchema(shape.of),
      };
    case "fields":
      return { ...fieldsSchema(shape), ...about };
    case "either":
      return { ...about, anyOf: shape.of.map(jsonSchema) };
  }
}

function fieldsSchema({ fields, needed, atMostOne, exactlyOne }: FieldsShape): Record<string, unknown> {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, jsonSchema(one)]));
  // what excludes a field says "is not allowed" at that field, which editors show; `not` would say "must not be valid"
  const pairs = [...(atMostOne ?? []), ...(exactlyOne ?? [])].flatMap((names) =>
    names.flatMap((a) => names.filter((b) => b !== a).map((b) => [a, b] as const)),
  );
  const excluded = Object.fromEntries(
    [...new Set(pairs.map(([a]) => a))].map((a) => {
      const others = pairs.filter(([name]) => name === a).map(([, b]) => [b, false]);
      return [a, { type: "object", properties: Object.fromEntries(others) }];
    }),
  );
  const oneOf = (exactlyOne ?? []).map((names) => ({
    anyOf: names.map((name) => ({ type: "object", properties: { [name]: true }, required: [name] })),
  }));
  return {
    type: "object",
    properties,
    additionalProperties: false,
    ...(needed && { required: needed }),
    ...(pairs.length > 0 && { dependencies: excluded }),
    ...(oneOf.length > 0 && { allOf: oneOf }),
  };
}
