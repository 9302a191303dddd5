export interface Product {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly url: string;
  readonly released: boolean;
}

export function product(root: string): Product;
export function addressOf(repository: string | { readonly url: string }): string;
export function refuseOtherTag(tag: string, product: Product, env: NodeJS.ProcessEnv): void;
export function timeOf(root: string, env: NodeJS.ProcessEnv): number;
export function notesOf(changelog: string, version: string, tagged: boolean): string;
