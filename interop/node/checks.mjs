// Runs the functions of one client's script in order and says for each whether it held.

export const bootstrap = process.argv[2]
export const topic = name => `${name}-${Date.now()}-${Math.floor(Math.random() * 1e6)}`

export async function until(what, condition, seconds = 60) {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline;) {
    const value = await condition()
    if (value) return value
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error(`waited ${seconds} s for ${what}`)
}

export function equal(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
  }
}

export async function run(client, checks) {
  let failed = 0
  for (const check of checks) {
    try {
      await check()
      console.log(`ok ${client} ${check.name}`)
    } catch (error) {
      failed += 1
      console.log(`not ok ${client} ${check.name}`, error)
    }
  }
  console.log(`${client}: ${checks.length - failed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}
