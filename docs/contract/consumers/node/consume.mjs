// Keeps a map of alerts and writes it as JSON: node consume.mjs localhost:9092 sentinel.alerts alerts.json
//
// Reads committed messages only (kafkajs does unless readUncommitted) and upserts by alert_id: the
// highest revision wins, so a message that is read twice, or late, does no harm. An optional fourth
// argument ends it when nothing has come for so many seconds.

import { writeFileSync } from 'node:fs'
import kafkajs from 'kafkajs'
import lz4 from 'lz4js'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

// Sentinel compresses with LZ4, which kafkajs leaves to others.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
})

const [brokers, topic, path, idleSeconds] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'example-node', brokers: brokers.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: 'example-node', readUncommitted: false })
const alerts = new Map() // your table, with alert_id as its primary key
let heard = Date.now()

await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  // The offset is committed after the message has been handled, never before.
  eachMessage: async ({ message }) => {
    heard = Date.now()
    const alert = JSON.parse(message.value.toString()).data
    const known = alerts.get(alert.alert_id)
    if (known === undefined || alert.revision > known.revision) alerts.set(alert.alert_id, alert)
  },
})
consumer.on(consumer.events.GROUP_JOIN, () => { heard = Date.now() })

const timer = setInterval(async () => {
  writeFileSync(path, JSON.stringify([...alerts.values()]))
  if (idleSeconds && Date.now() - heard > Number(idleSeconds) * 1000) {
    clearInterval(timer)
    await consumer.disconnect()
    writeFileSync(path, JSON.stringify([...alerts.values()]))
  }
}, 500)
