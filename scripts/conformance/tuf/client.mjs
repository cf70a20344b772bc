// A TUF client of npm's:
//   node client.mjs INSTALLED tuf-js|sigstore URL ROOT CACHE WHEN TARGET…
//
// Starts from the file ROOT if the folder CACHE knows nothing yet, refreshes
// from URL as if it were WHEN (RFC 3339), and downloads targets. It prints one
// JSON line: the version of root, and each target's content.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [installed, client, url, root, cache, when, ...targets] = process.argv.slice(2)
const require = createRequire(join(resolve(installed), 'package.json'))

// the clients take the time from the machine: move it
const Real = Date
const shift = new Real(when).getTime() - Real.now()
globalThis.Date = class extends Real {
  constructor(...args) {
    super(...(args.length === 0 ? [Real.now() + shift] : args))
  }
  static now() {
    return Real.now() + shift
  }
}

async function tufJS() {
  const { Updater } = require('tuf-js')
  const targetDir = join(cache, 'targets')
  mkdirSync(targetDir, { recursive: true })
  if (!existsSync(join(cache, 'root.json'))) copyFileSync(root, join(cache, 'root.json'))
  const updater = new Updater({
    metadataDir: cache,
    metadataBaseUrl: url,
    targetDir,
    targetBaseUrl: `${url}/targets`,
    config: { fetchRetries: 0, fetchTimeout: 10000 }
  })
  await updater.refresh()
  const found = {}
  for (const name of targets) {
    const info = await updater.getTargetInfo(name)
    if (!info) throw new Error(`no target ${name}`)
    found[name] = readFileSync(await updater.downloadTarget(info), 'utf8')
  }
  return found
}

async function sigstore() {
  const { initTUF } = require('@sigstore/tuf')
  const client = await initTUF({ mirrorURL: url, rootPath: root, cachePath: cache, retry: 0, timeout: 10000 })
  const found = {}
  for (const name of targets) found[name] = await client.getTarget(name)
  return found
}

try {
  const found = client === 'sigstore' ? await sigstore() : await tufJS()
  console.log(JSON.stringify(found))
} catch (err) {
  const causes = []
  for (let e = err; e; e = e.cause) causes.push(`${e.constructor.name}: ${e.message}`)
  console.error(causes.join(': '))
  // a server that never stops sending would keep the program alive
  process.exit(1)
}
