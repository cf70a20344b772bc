package trustedroot

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// encode returns the canonical JSON of a message: the names, the order and the
// values of protobuf's own JSON mapping, which follows the order of the .proto
// file, two spaces a level, unset fields left out and a newline at the end.
// The mapping's whitespace varies on purpose from build to build; nothing of it
// survives here.
func encode(m proto.Message) ([]byte, error) {
	raw, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	// Indent keeps spaces that follow a colon, so compact first
	var compact, out bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
