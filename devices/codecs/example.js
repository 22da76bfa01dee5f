// An example of our own: a contact that sends its state and, in two bytes, the temperature in tenths.
function decodeUplink(input) {
  if (input.bytes.length !== 3) {
    return { errors: ["three bytes are expected"] };
  }
  var tenths = (input.bytes[1] << 8) | input.bytes[2];
  return {
    data: {
      open: input.bytes[0] === 1,
      temperature: (tenths > 0x7fff ? tenths - 0x10000 : tenths) / 10,
      port: input.fPort
    }
  };
}
