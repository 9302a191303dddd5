export function packagesOutside(root: string): string[];
