// npm's sigstore on a ClientTrustConfig: node trust-config.mjs INSTALLED FILE
//
// INSTALLED holds node_modules. It reads the file by Sigstore's schema for
// JavaScript, makes trust material of its trusted root, and fails where reading
// loses a field or the material lacks a kind of authority or log.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const [installed, file] = process.argv.slice(2)
const require = createRequire(join(resolve(installed), 'node_modules', 'sigstore', 'package.json'))
const { ClientTrustConfig } = require('@sigstore/protobuf-specs')
const { toTrustMaterial } = require('@sigstore/verify')

const json = JSON.parse(readFileSync(file, 'utf8'))
const config = ClientTrustConfig.fromJSON(json)

const lost = (from, to, at) => {
  if (typeof from !== 'object' || from === null) return from === to || at.endsWith('.start') || at.endsWith('.end') ? [] : [at]
  return Object.keys(from).flatMap((key) => (to == null || !(key in to) ? [`${at}.${key}`] : lost(from[key], to[key], `${at}.${key}`)))
}
const missing = lost(json, ClientTrustConfig.toJSON(config), '')
if (missing.length > 0) throw new Error(`reading loses ${missing.join(', ')}`)

const material = toTrustMaterial(config.trustedRoot)
for (const kind of ['certificateAuthorities', 'timestampAuthorities', 'tlogs', 'ctlogs']) {
  if (!material[kind]?.length) throw new Error(`no ${kind}`)
}
for (const kind of ['caUrls', 'rekorTlogUrls', 'tsaUrls']) {
  if (!config.signingConfig[kind]?.length) throw new Error(`no ${kind}`)
}
