// dist/cjs/index.js: what `require("tsops")` finds.
try {
  module.exports = require("../lib/index.js");
} catch (error) {
  if (error.code !== "ERR_REQUIRE_ESM") throw error;
  const message =
    'require("tsops") needs Node 20.19, or 22.12 or newer, without --no-experimental-require-module ' +
    `(this is Node ${process.versions.node}); await import("tsops") works without that, too`;
  throw Object.assign(new Error(message, { cause: error }), { code: error.code });
}
