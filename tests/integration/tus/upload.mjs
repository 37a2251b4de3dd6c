// Uploads a file with tus-js-client. Reads its task as JSON on standard input; writes a JSON line
// once the upload has a URL, and one when it has ended.
//   endpoint, token, file, name    what to send where
//   chunkSize                      bytes per PATCH; absent: one
//   uploadUrl                      goes on with this upload instead of creating one
//   withData                       sends bytes with the creation already
import fs from 'node:fs'
import { Upload } from 'tus-js-client'

const task = JSON.parse(fs.readFileSync(0, 'utf8'))
const requests = []
const upload = new Upload(fs.createReadStream(task.file), {
  endpoint: task.endpoint,
  uploadUrl: task.uploadUrl,
  uploadSize: fs.statSync(task.file).size,
  chunkSize: task.chunkSize ?? Infinity,
  uploadDataDuringCreation: task.withData ?? false,
  retryDelays: [50, 100, 200, 400, 800, 1600],
  metadata: { filename: task.name, filetype: 'application/octet-stream' },
  headers: { Authorization: `Bearer ${task.token}` },
  onBeforeRequest: (request) => { requests.push(request.getMethod()) },
  onUploadUrlAvailable: () => say({ url: upload.url }),
  onError: (error) => done({ error: String(error), status: error.originalResponse?.getStatus() }),
  onSuccess: () => done({ success: true }),
})

function say(line) {
  fs.writeSync(1, JSON.stringify(line) + '\n')
}

function done(result) {
  say({ ...result, url: upload.url, requests })
  process.exit(0)
}

upload.start()
