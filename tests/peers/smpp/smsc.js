// An SMSC (npm smpp) that does what stdin says, one JSON object a line, and tells what happens the same way.
// `node smsc.js PORT`; the login is hotline / secret. Bytes are hexadecimal.
const readline = require('readline');
const smpp = require('smpp');

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const bytes = (hex) => Buffer.from(hex, 'hex');
let esme = null;
let submitted = 0;

function bound(session, role) {
  return (pdu) => {
    if (pdu.system_id !== 'hotline' || pdu.password !== 'secret') {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      return session.close();
    }
    session.send(pdu.response({ system_id: 'SMSC' }));
    esme = session;
    tell({ event: 'bound', role, version: pdu.interface_version, range: pdu.address_range });
  };
}

function submit(session) {
  return (pdu) => {
    const body = pdu.short_message;
    const id = `m-${++submitted}`;
    tell({ event: 'submit', id, to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding,
           esm_class: pdu.esm_class, receipt: pdu.registered_delivery, text: body.message.toString(),
           udh: body.udh ? Buffer.concat(body.udh.map ? body.udh : [body.udh]).toString('hex') : null });
    session.send(pdu.response({ message_id: id }));
  };
}

const server = smpp.createServer({}, (session) => {
  session.on('error', () => {});
  session.on('close', () => tell({ event: 'closed' }));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    tell({ event: 'unbind' });
    session.send(pdu.response());
    session.close();
  });
  for (const role of ['transceiver', 'receiver', 'transmitter']) {
    session.on(`bind_${role}`, bound(session, role));
  }
  session.on('submit_sm', submit(session));
});

function deliver({ name, fields, text, hex, udh, payload }) {
  const pdu = { source_addr_ton: 1, source_addr_npi: 1, source_addr: '8613800138000', destination_addr: '12345', ...fields };
  if (udh) pdu.short_message = { udh: bytes(udh), message: bytes(hex) };
  else pdu.short_message = text !== undefined ? text : bytes(hex || '');
  if (payload) pdu.message_payload = bytes(payload);
  esme.deliver_sm(pdu, (answer) => tell({ event: 'answer', name, command: answer.command, status: answer.command_status }));
}

const ORDERS = {
  deliver,
  enquire: () => esme.enquire_link((answer) => tell({ event: 'answer', name: 'enquire', command: answer.command })),
  unbind: () => esme.unbind((answer) => tell({ event: 'answer', name: 'unbind', command: answer.command })),
  cut: () => esme.destroy(),
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  ORDERS[order.order](order);
}).on('close', () => process.exit(0));
server.listen(+process.argv[2], '127.0.0.1', () => tell({ event: 'listening' }));
