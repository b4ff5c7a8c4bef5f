'use strict';

try {
  module.exports = require('./dist/index.js');
} catch {
  // jest loads no ES module into its sandbox. The sandbox shares node:vm with the process, which can load it.
  const { getBuiltinModule } = require('node:vm').runInThisContext('process');
  module.exports = getBuiltinModule('node:module').createRequire(__filename)('./dist/index.js');
}
