package virtual

import (
	"fmt"
	"time"
)

// names of the instructions in the log.
var names = map[byte]string{
	insVerify: "verify", insChange: "change-reference", insResetRetry: "reset-retry",
	insGenerate: "generate", insAuthenticate: "authenticate", insSelect: "select",
	insGetResponse: "get-response", insGetData: "get-data", insPutData: "put-data",
	insMoveKey: "move-key", insMetadata: "metadata", insSerial: "serial",
	insAttest: "attest", insSetRetries: "set-retries", insReset: "reset",
	insVersion: "version", insImport: "import-key", insSetMgmtKey: "set-management-key",
	insDeviceInfo: "device-info",
}

// log writes the line of an exchange. The data of commands and answers has no
// part in it, whatever the command: many carry a PIN or a key.
func log(c *Card, n int, apdu, answer []byte, took time.Duration) {
	if c.options.Log == nil {
		return
	}
	sw := "none"
	if len(answer) >= 2 {
		sw = fmt.Sprintf("%x", answer[len(answer)-2:])
	}
	head, lc, name := "malformed", 0, "unknown"
	if cmd, err := parseCommand(apdu); err == swOK {
		head = fmt.Sprintf("%02x %02x %02x %02x", cmd.cla, cmd.ins, cmd.p1, cmd.p2)
		lc = len(cmd.data)
		if known := names[cmd.ins]; known != "" {
			name = known
		}
	}
	// a log that cannot be written must not stop a card
	_, _ = fmt.Fprintf(c.options.Log, "%d\t%s\tlc=%d\tsw=%s\t%s\t%s\n",
		n, head, lc, sw, took.Round(10*time.Microsecond), name)
}

// note writes an error that has no place in an answer.
func note(c *Card, n int, err error) {
	if c.options.Log != nil {
		_, _ = fmt.Fprintf(c.options.Log, "%d\terror: %v\n", n, err)
	}
}
