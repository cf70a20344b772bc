// What npm's sigstore does with trusted roots: node judge.mjs INSTALLED CASES
//
// INSTALLED holds node_modules. CASES holds a folder a case, with the file
// trusted_root.json and bundles beside it: NAME.sigstore.json over the artifact
// NAME. Prints one JSON object: case → {load, bundles: {NAME: error}}, an empty
// text where nothing was wrong. It reads the file as sigstore's own verify does
// (getTrustedRoot of @sigstore/tuf, toTrustMaterial and Verifier of
// @sigstore/verify), without fetching it.
import { createRequire } from 'node:module'
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const [installed, cases] = process.argv.slice(2)
const require = createRequire(join(resolve(installed), 'node_modules', 'sigstore', 'package.json'))
const { TrustedRoot } = require('@sigstore/protobuf-specs')
const { bundleFromJSON } = require('@sigstore/bundle')
const { toTrustMaterial, toSignedEntity, Verifier } = require('@sigstore/verify')

const message = (err) => [err.code, err.message, err.cause?.message].filter(Boolean).join(': ')
const caught = (run) => {
  try {
    run()
    return ''
  } catch (err) {
    return message(err) || String(err)
  }
}

const out = {}
for (const name of readdirSync(cases)) {
  const dir = join(cases, name)
  const result = (out[name] = { load: '', bundles: {} })
  let material
  result.load = caught(() => {
    material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(readFileSync(join(dir, 'trusted_root.json'), 'utf8'))))
  })
  if (!material) continue
  for (const file of readdirSync(dir).filter((f) => f.endsWith('.sigstore.json'))) {
    const artifact = file.slice(0, -'.sigstore.json'.length)
    result.bundles[artifact] = caught(() => {
      const bundle = bundleFromJSON(JSON.parse(readFileSync(join(dir, file), 'utf8')))
      new Verifier(material).verify(toSignedEntity(bundle, readFileSync(join(dir, artifact))))
    })
  }
}
process.stdout.write(JSON.stringify(out))
