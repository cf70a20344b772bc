package trustedroot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/linnemanlabs/trustroot/pki/finding"
)

// clientTrustConfig is a trusted root and a signing config in one file
// (sigstore_trustroot.proto, ClientTrustConfig), as sigstore-python reads it.
type clientTrustConfig struct {
	MediaType     string          `json:"mediaType"`
	TrustedRoot   json.RawMessage `json:"trustedRoot"`
	SigningConfig json.RawMessage `json:"signingConfig"`
}

func isClientTrustConfig(data []byte) bool {
	var c clientTrustConfig
	return json.Unmarshal(data, &c) == nil &&
		(len(c.TrustedRoot) > 0 || strings.HasPrefix(c.MediaType, "application/vnd.dev.sigstore.clienttrustconfig"))
}

// jsonLine is one document of a file that has one a line.
type jsonLine struct {
	number int // from 1
	data   []byte
}

// jsonLines splits a file whose every line is a JSON object, as gh attestation
// trusted-root prints, or returns nil.
func jsonLines(data []byte) []jsonLine {
	var out []jsonLine
	for i, line := range bytes.Split(data, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if line[0] != '{' || !json.Valid(line) {
			return nil
		}
		out = append(out, jsonLine{i + 1, line})
	}
	return out
}

// Documents returns the trusted roots of a file: the file itself, the one
// within a ClientTrustConfig, or one a line.
func Documents(data []byte) [][]byte {
	if lines := jsonLines(data); len(lines) > 1 {
		var out [][]byte
		for _, l := range lines {
			out = append(out, Documents(l.data)...)
		}
		return out
	}
	var c clientTrustConfig
	if isClientTrustConfig(data) && json.Unmarshal(data, &c) == nil && len(c.TrustedRoot) > 0 {
		return [][]byte{c.TrustedRoot}
	}
	return [][]byte{data}
}

// lintClientTrustConfig judges both parts and that they agree.
func lintClientTrustConfig(l *linter) {
	msg := &prototrustroot.ClientTrustConfig{}
	if !l.read(msg) {
		return
	}
	l.add(ruleCTC, "$", "This is a ClientTrustConfig: a trusted root and a signing config in one file", "Nothing for clients that take one, as sigstore-python does; others want the two parts as files of their own")
	var c clientTrustConfig
	_ = json.Unmarshal(l.data, &c) // isClientTrustConfig has read it
	l.prefix = "$.trustedRoot"
	trustedRoot(l, msg.GetTrustedRoot())
	l.judged(Judge.TrustedRoot, c.TrustedRoot)
	l.prefix = "$.signingConfig"
	signingConfig(l, msg.GetSigningConfig())
	l.judged(Judge.SigningConfig, c.SigningConfig)
	lintBoth(l, msg.GetTrustedRoot(), msg.GetSigningConfig(), false)
	l.prefix = ""
}

// lintJSONLines judges each line as a trusted root of its own.
func lintJSONLines(l *linter, lines []jsonLine) ([]finding.Finding, error) {
	l.add(ruleLines, "$", fmt.Sprintf("The file has %d trusted roots, one a line (JSON lines)", len(lines)), "Nothing for gh attestation verify; other clients read one trusted root a file")
	for _, line := range lines {
		findings, err := Lint(line.data, l.options)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line.number, err)
		}
		for _, f := range findings {
			f.Line += line.number - 1
			f.Place = fmt.Sprintf("$[line %d]%s", line.number, strings.TrimPrefix(f.Place, "$"))
			l.findings = append(l.findings, f)
		}
	}
	return order(l.findings), nil
}

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
