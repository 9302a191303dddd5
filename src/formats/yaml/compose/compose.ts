import type { Edit } from "../../text.ts";
import { MAX_DEPTH } from "../../tree.ts";
import { isBlankz, isFlowEnd } from "../scan/chars.ts";
import { scan } from "../scan/scan.ts";
import type { Lines } from "../scan/state.ts";
import * as T from "../scan/tokens.ts";
import { Cursor } from "./cursor.ts";
import type {
  AliasNode,
  CollectionNode,
  Composed,
  DocumentNode,
  Node,
  Props,
  ScalarNode,
  Style,
} from "./nodes.ts";

/**
 * Reads a YAML text into nodes with places, each with the comments that SOPS's reader gives it.
 * @throws TsopsError("parse") if SOPS's reader would not read it.
 */
export function compose(text: string): Composed {
  const scanner = scan(text);
  const composer = new Composer(scanner);
  return { text, documents: composer.documents(), comments: scanner.comments, seams: composer.seams };
}

const STANDARD_TAGS = "tag:yaml.org,2002:";

class Composer extends Cursor {
  private depth = 0;
  /** Of all documents: an alias may stand for a node of an earlier one. */
  private readonly anchors = new Map<string, ScalarNode | CollectionNode>();
  private handles = new Map<string, string>();
  /**
   * Where white space tells where a tag, an anchor or an alias ends and whose it is, and what stands in a directive;
   * and the digits that say only how deep a block scalar is indented.
   */
  readonly seams: Edit[] = [];

  documents(): DocumentNode[] {
    const found: DocumentNode[] = [];
    this.look();
    this.index++;
    for (;;) {
      let type = this.look();
      if (found.length > 0) while (type === T.DOC_END) type = this.next();
      if (type === T.EOF) break;
      const bare = found.length === 0 && type !== T.DIRECTIVE && type !== T.DOC_START;
      const document = bare ? this.bareDocument() : this.explicitDocument();
      type = this.look();
      document.end = this.start;
      if (type === T.DOC_END) this.index++;
      const left = this.take();
      document.foot = left?.foot ?? left?.head;
      found.push(document);
    }
    return found;
  }

  private bareDocument(): DocumentNode {
    let head: Lines | undefined;
    const blank = this.head?.lastIndexOf(undefined) ?? -1;
    if (blank >= 0) {
      head = this.head!.slice(0, blank);
      this.head = rest(this.head!, blank + 1);
    }
    this.handles = new Map(DEFAULT_HANDLES);
    const root = this.node(true, false, undefined);
    return { start: -1, end: 0, directives: -1, head, root, foot: undefined };
  }

  private explicitDocument(): DocumentNode {
    const directives = this.start;
    this.readDirectives();
    if (this.look() !== T.DOC_START) {
      const hint = "another document must begin with `---`; a line further left than the first is one, too";
      this.fail("the document ends before this", hint);
    }
    const start = this.start;
    const markEnd = this.end;
    const type = this.next();
    const none = type === T.DIRECTIVE || type === T.DOC_START || type === T.DOC_END || type === T.EOF;
    const root = none ? this.absent(markEnd) : this.node(true, false, undefined);
    return { start, end: 0, directives, head: undefined, root, foot: undefined };
  }

  private readDirectives(): void {
    const own = new Map<string, string>();
    let version = false;
    for (let type = this.look(); type === T.DIRECTIVE; type = this.next()) {
      const [start, end] = [this.start, this.end];
      this.seams.push({
        start,
        end,
        text: `${this.scanner.text.slice(start, end).replace(/[ \t]+/g, " ")}\n`,
      });
      const directive = this.scanner.directives[this.extra - 1]!;
      if (directive.kind === "tag") {
        if (own.has(directive.handle)) this.fail("this tag handle is declared twice");
        own.set(directive.handle, directive.prefix);
        continue;
      }
      if (version) this.fail("there are two %YAML directives");
      version = true;
      if (directive.major !== 1 || directive.minor !== 1) {
        const hint =
          "remove the line, or write %YAML 1.1: SOPS refuses every other version, and reads 1.2 anyway";
        this.fail(`SOPS does not read YAML ${directive.major}.${directive.minor} by that name`, hint);
      }
    }
    this.handles = new Map([...DEFAULT_HANDLES, ...own]);
  }

  private node(block: boolean, indentless: boolean, stem: Lines | undefined): Node {
    const type = this.look();
    if (type === T.ALIAS) return this.alias();
    let props: Props | undefined;
    if (type === T.ANCHOR || type === T.TAG) props = this.props();
    const content = this.type;
    if (content >= T.PLAIN) {
      if (props) this.seam(props.end, false);
      return this.scalar(props);
    }
    const isBlock = (block && (content === T.SEQ || content === T.MAP)) || (indentless && content === T.DASH);
    // what a tag belongs to, the map or its first key, is a question of lines
    if (props) this.seam(props.end, isBlock);
    if (isBlock || content === T.FLOW_SEQ || content === T.FLOW_MAP) {
      if (++this.depth > MAX_DEPTH) this.fail(`maps and lists are nested more than ${MAX_DEPTH} deep`);
      const node = this.collection(content, props, stem);
      this.depth--;
      return node;
    }
    if (props) return this.remember(this.absent(props.end, props));
    return this.fail("a value is missing here, or something is indented wrongly");
  }

  /** Some readers end a name at other characters than ours does; white space and flow brackets end it for all. */
  private seam(offset: number, line: boolean): void {
    const next = this.scanner.src.charCodeAt(offset);
    const ends = isBlankz(next) || (isFlowEnd(next) && this.scanner.src[offset] !== "?");
    if (ends) this.seams.push({ start: offset, end: offset, text: line ? "\n" : " " });
  }

  private alias(): AliasNode {
    const start = this.start;
    const end = this.end;
    this.seam(end, false);
    const target = this.anchors.get(this.scanner.text.slice(start + 1, end));
    if (!target) this.fail("this alias has no anchor before it");
    const remarks = this.take();
    this.index++;
    return { kind: "alias", start, end, props: undefined, remarks, key: undefined, at: start, target };
  }

  private props(): Props {
    const start = this.start;
    let end = start;
    let tag: string | undefined;
    let anchor: string | undefined;
    let [tagStart, tagEnd, anchorStart, anchorEnd] = [start, start, start, start];
    const first = this.type;
    for (let n = 0, type = first; n < 2 && (type === T.ANCHOR || type === T.TAG); n++, type = this.next()) {
      if (n === 1 && type === first) break;
      if (n === 1) this.seam(end, false);
      end = this.end;
      if (type === T.ANCHOR) {
        anchorStart = this.start;
        anchorEnd = end;
        anchor = this.scanner.text.slice(anchorStart + 1, end);
      } else {
        tagStart = this.start;
        tagEnd = end;
        tag = this.tagName();
      }
    }
    return { start, end, tag, tagStart, tagEnd, anchor, anchorStart, anchorEnd };
  }

  private tagName(): string | undefined {
    const { handle, suffix } = this.scanner.tags[this.extra - 1]!;
    const prefix = handle === "" ? "" : this.handles.get(handle);
    if (prefix === undefined)
      this.fail("this tag handle is not declared", "declare it with %TAG before the `---`");
    const tag = prefix + suffix;
    if (tag === "!" || tag === "") return undefined;
    return tag.startsWith(STANDARD_TAGS) ? `!!${tag.slice(STANDARD_TAGS.length)}` : tag;
  }

  private remember<N extends ScalarNode | CollectionNode>(node: N): N {
    if (node.props?.anchor !== undefined) this.anchors.set(node.props.anchor, node);
    return node;
  }

  private scalar(props: Props | undefined): ScalarNode {
    const { scanner, type, start, end, extra } = this;
    let text: string;
    if (extra > 0) text = scanner.texts[extra - 1]!;
    else text = type === T.PLAIN ? scanner.text.slice(start, end) : scanner.text.slice(start + 1, end - 1);
    const remarks = this.take();
    this.index++;
    const at = props?.start ?? start;
    const block = type >= T.LITERAL ? scanner.blocks.get(extra) : undefined;
    if (block && block.digit > 0) {
      const at = scanner.text.indexOf(String(block.digit), start);
      this.seams.push({ start: at, end: at + 1, text: "" });
    }
    return this.remember({
      kind: "scalar",
      start,
      end,
      props,
      remarks,
      key: undefined,
      at,
      style: STYLES[type - T.PLAIN]!,
      text,
      block,
    });
  }

  private absent(offset: number, props?: Props): ScalarNode {
    return {
      kind: "scalar",
      start: offset,
      end: offset,
      props,
      remarks: undefined,
      key: undefined,
      at: props?.start ?? offset,
      style: "absent",
      text: "",
      block: undefined,
    };
  }

  private collection(type: number, props: Props | undefined, stem: Lines | undefined): CollectionNode {
    const flow = type === T.FLOW_SEQ || type === T.FLOW_MAP;
    const start = this.start;
    const node = this.remember(this.empty(type === T.MAP || type === T.FLOW_MAP, flow, start, props));
    if (flow) {
      // What stands on the line of the bracket, and what would be a foot, is lost.
      const head = this.take()?.head;
      if (head) node.remarks = { head, line: undefined, foot: undefined };
      this.index++;
      if (type === T.FLOW_MAP) this.flowMap(node);
      else this.flowList(node);
      return node;
    }
    if (type !== T.DASH) {
      if (stem) node.remarks = { head: stem, line: undefined, foot: undefined };
      this.index++;
    }
    if (type === T.MAP) this.blockMap(node);
    else this.blockList(node, type === T.DASH);
    return node;
  }

  private empty(map: boolean, flow: boolean, start: number, props?: Props): CollectionNode {
    return {
      kind: map ? "map" : "list",
      start,
      end: start,
      props,
      remarks: undefined,
      key: undefined,
      at: props?.start ?? start,
      flow,
      column: flow ? -1 : columnOf(this.scanner.text, start),
      items: [],
    };
  }

  private blockList(list: CollectionNode, indentless: boolean): void {
    for (;;) {
      const type = this.look();
      if (type !== T.DASH) {
        if (indentless) return;
        if (type !== T.END)
          this.fail("a list item is expected here", "begin it with `- `, below the dash before");
        this.index++;
        return;
      }
      const dash = this.start;
      const before = this.head?.length ?? 0;
      const after = this.next();
      let stem: Lines | undefined;
      if (before > 0 && (after === T.SEQ || after === T.MAP)) {
        stem = this.head!.slice(0, before);
        this.head = rest(this.head!, before);
      }
      const none =
        after === T.DASH || after === T.END || (indentless && (after === T.KEY || after === T.COLON));
      const item = none ? this.absent(dash + 1) : this.node(true, false, stem);
      item.at = dash;
      list.end = Math.max(list.end, item.end);
      list.items.push(item);
    }
  }

  private blockMap(map: CollectionNode): void {
    let last: Node | undefined;
    for (;;) {
      const type = this.look();
      if (type === T.END) {
        const left = this.take();
        this.index++;
        // A head is lost, and a foot pushes out the one that the last key has.
        if (left?.foot && last) setFoot(last, left.foot);
        if (left?.line) map.remarks = { head: map.remarks?.head, line: left.line, foot: undefined };
        return;
      }
      if (type !== T.KEY) {
        const hint = "is it indented like the keys around it, and does a `: ` follow?";
        this.fail("a key is expected here", hint);
      }
      const at = this.start;
      const keyEnd = this.end;
      let after = this.next();
      const noKey = after === T.KEY || after === T.COLON || after === T.END;
      const key = noKey ? this.absent(keyEnd) : this.node(true, true, undefined);
      if (last && key.remarks?.foot) {
        setFoot(last, key.remarks.foot);
        key.remarks.foot = undefined;
      }
      let value: Node;
      if (this.look() === T.COLON) {
        const colonEnd = this.end;
        after = this.next();
        const none = after === T.KEY || after === T.COLON || after === T.END;
        value = none ? this.absent(colonEnd) : this.node(true, true, undefined);
      } else value = this.absent(key.end);
      addPair(map, key, value, at);
      last = key;
    }
  }

  private flowList(list: CollectionNode): void {
    for (let first = true; ; first = false) {
      let type = this.look();
      if (type !== T.FLOW_SEQ_END && !first) type = this.afterComma(type, T.FLOW_SEQ_END, "]");
      if (type === T.FLOW_SEQ_END) break;
      if (type === T.KEY) list.items.push(this.flowPair());
      else list.items.push(this.node(false, false, undefined));
    }
    this.closeFlow(list);
  }

  /** An item `key: value`: a map of one entry. */
  private flowPair(): CollectionNode {
    const at = this.start;
    const keyEnd = this.end;
    const map = this.empty(true, true, at);
    const after = this.next();
    let key: Node;
    if (after === T.COLON || after === T.COMMA || after === T.FLOW_SEQ_END) {
      // As in SOPS's reader, that token is gone.
      this.index++;
      key = this.absent(keyEnd);
    } else key = this.node(false, false, undefined);
    const value = this.flowValue(key, T.FLOW_SEQ_END);
    addPair(map, key, value, at);
    this.look();
    map.end = Math.max(key.end, value.end);
    return map;
  }

  private flowMap(map: CollectionNode): void {
    for (let first = true; ; first = false) {
      let type = this.look();
      if (type !== T.FLOW_MAP_END && !first) type = this.afterComma(type, T.FLOW_MAP_END, "}");
      if (type === T.FLOW_MAP_END) break;
      const at = this.start;
      let key: Node;
      let value: Node;
      if (type === T.KEY) {
        const keyEnd = this.end;
        type = this.next();
        const none = type === T.COLON || type === T.COMMA || type === T.FLOW_MAP_END;
        key = none ? this.absent(keyEnd) : this.node(false, false, undefined);
        value = this.flowValue(key, T.FLOW_MAP_END);
      } else {
        key = this.node(false, false, undefined);
        this.look();
        value = this.absent(key.end);
      }
      addPair(map, key, value, at);
    }
    this.closeFlow(map);
  }

  private flowValue(key: Node, close: number): Node {
    if (this.look() !== T.COLON) return this.absent(key.end);
    const colonEnd = this.end;
    const type = this.next();
    return type === T.COMMA || type === close ? this.absent(colonEnd) : this.node(false, false, undefined);
  }

  private afterComma(type: number, close: number, bracket: string): number {
    if (type !== T.COMMA) {
      this.fail(
        `a \`,\` or \`${bracket}\` is expected here`,
        "text that holds one of `,?[]{}` must be in quotes",
      );
    }
    const next = this.next();
    return next === close ? close : next;
  }

  private closeFlow(node: CollectionNode): void {
    const left = this.take();
    node.end = this.end;
    this.index++;
    // What would be a head is lost.
    if (left?.line || left?.foot) {
      node.remarks = { head: node.remarks?.head, line: left.line, foot: left.foot };
    }
  }
}

const DEFAULT_HANDLES: readonly (readonly [string, string])[] = [
  ["!", "!"],
  ["!!", STANDARD_TAGS],
];

const STYLES: readonly Style[] = ["plain", "single", "double", "literal", "folded"];

function addPair(map: CollectionNode, key: Node, value: Node, at: number): void {
  // A key without a foot gets its value's.
  if (value.remarks?.foot && !key.remarks?.foot) {
    setFoot(key, value.remarks.foot);
    value.remarks.foot = undefined;
  }
  value.key = key;
  value.at = at;
  map.items.push(value);
  map.end = Math.max(map.end, key.end, value.end);
}

function setFoot(node: Node, foot: Lines): void {
  if (node.remarks) node.remarks.foot = foot;
  else node.remarks = { head: undefined, line: undefined, foot };
}

function rest(lines: Lines, from: number): Lines | undefined {
  return from < lines.length ? lines.slice(from) : undefined;
}

/** Column of an offset in UTF-16 units; a byte order mark at the start of the text counts for nothing. */
function columnOf(text: string, offset: number): number {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return offset - (start === 0 && text.charCodeAt(0) === 0xfeff ? 1 : start);
}
