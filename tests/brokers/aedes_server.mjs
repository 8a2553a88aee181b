// An MQTT broker, aedes, that keeps sessions in memory: node aedes_server.mjs FOLDER_OF_AEDES PORT
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

const [folder, port] = process.argv.slice(2)
const aedes = createRequire(`${folder}/`).resolve('aedes')
const { Aedes } = await import(pathToFileURL(aedes).href)
const broker = await Aedes.createBroker()
createServer({ noDelay: true }, broker.handle).listen(Number(port), '127.0.0.1')
