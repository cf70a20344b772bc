// npm's sigstore from end to end: node verify.mjs INSTALLED TUF BUNDLE ARTIFACT IDENTITY ISSUER
//
// Serves the TUF repository in the folder TUF on loopback, lets sigstore refresh
// it from the root 1.root.json, and verifies the bundle with what it fetched.
import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, normalize, resolve } from 'node:path'

const [installed, tuf, bundle, artifact, identity, issuer] = process.argv.slice(2)
const require = createRequire(join(resolve(installed), 'node_modules', 'sigstore', 'package.json'))
const { verify } = require('sigstore')

const server = createServer((request, response) => {
  try {
    response.end(readFileSync(join(tuf, normalize(decodeURIComponent(request.url)))))
  } catch {
    response.writeHead(404).end()
  }
})
await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
const cache = mkdtempSync(join(tmpdir(), 'trustroot-sigstore-js-'))
try {
  const signer = await verify(JSON.parse(readFileSync(bundle, 'utf8')), readFileSync(artifact), {
    tufMirrorURL: `http://127.0.0.1:${server.address().port}`,
    tufRootPath: join(tuf, '1.root.json'),
    tufCachePath: cache,
    certificateIdentityURI: identity,
    certificateIssuer: issuer
  })
  console.log(`signed by ${signer.identity.subjectAlternativeName}`)
} catch (err) {
  console.error(err.code ?? '', err.message, err.cause?.message ?? '')
  process.exitCode = 1
} finally {
  server.close()
  server.closeAllConnections()
  rmSync(cache, { recursive: true, force: true })
}
