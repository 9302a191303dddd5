/** Whether a host, as URLs have it or bare, is this machine: nobody else can listen on the way there. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}
