// npm's sigstore, following our repository with a cache that lasts:
// node verify.mjs INSTALLED MIRROR ROOT CACHE BUNDLE ARTIFACT ISSUER IDENTITY
// node verify.mjs INSTALLED MIRROR ROOT CACHE BUNDLE ARTIFACT KEY.pem
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const [installed, mirror, root, cache, bundle, artifact, issuer, identity] = process.argv.slice(2)
const require = createRequire(join(resolve(installed), 'node_modules', 'sigstore', 'package.json'))
const { verify } = require('sigstore')

const options = { tufMirrorURL: mirror, tufRootPath: root, tufCachePath: cache, tufForceCache: false }
if (identity === undefined) {
  options.keySelector = () => readFileSync(issuer, 'utf8')
} else if (identity.includes('@') && !identity.startsWith('https:')) {
  Object.assign(options, { certificateIdentityEmail: identity, certificateIssuer: issuer })
} else {
  Object.assign(options, { certificateIdentityURI: identity, certificateIssuer: issuer })
}
try {
  await verify(JSON.parse(readFileSync(bundle, 'utf8')), readFileSync(artifact), options)
} catch (err) {
  console.error(err.code ?? '', err.message, err.cause?.message ?? '')
  process.exitCode = 1
}
