package trustedroot

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// LintOptions say what to look at beside the file.
type LintOptions struct {
	// Clients limits findings to those that concern one of them. Empty means
	// all.
	Clients []string
	// At is the instant at which every role must have a valid entry, and before
	// which nothing can be repaired: what is over is a note. Zero leaves both
	// questions out, so that the answer depends on the file alone.
	At time.Time
	// Compromised are the hex SHA-256 of the public keys (SPKI) that are
	// compromised: an open entry over one of them, or under it, is an error, and
	// a gap behind one is meant.
	Compromised []string
	// Left are those of them whose entries the ledger took out: a gap is where
	// one stood.
	Left []string
	// Pair is the other file of the pair, which the two must agree with: for a
	// trusted root its signing config, for a signing config its trusted root.
	Pair []byte
	// Judge is a client's own code, asked after the rules: what it refuses and no
	// rule explains is a finding too. Nil asks no client.
	Judge Judge
}

// Lint judges a trusted root, ours or not. Findings are ordered by severity, errors first, then by line. A file
// that the Judge refuses always has one of severity Error, unless Clients
// excludes it. The error is of the options, of a file above 32 MiB or of
// another file of the pair that cannot be read.
func Lint(data []byte, o LintOptions) ([]finding.Finding, error) {
	msg := &prototrustroot.TrustedRoot{}
	return lintAny(data, o, msg, func(l *linter) { trustedRoot(l, msg) }, Judge.TrustedRoot)
}

// lintAny judges a file by what it is: a ClientTrustConfig, JSON lines, or the
// message that the caller takes it for.
func lintAny(data []byte, o LintOptions, msg proto.Message, content func(*linter), ask func(Judge, []byte) error) ([]finding.Finding, error) {
	l, err := newLinter(data, o)
	if err != nil {
		return nil, err
	}
	switch lines := jsonLines(data); {
	case isClientTrustConfig(data):
		lintClientTrustConfig(l)
	case len(lines) > 1:
		return lintJSONLines(l, lines)
	default:
		if l.read(msg) {
			content(l)
			if err := pairWith(l, msg); err != nil {
				return nil, err
			}
		}
		l.judged(ask, data)
	}
	return order(l.findings), nil
}

// maxDepth bounds the nesting of a document. A trusted root needs eight levels.
const maxDepth = 64

// linter collects the findings of one file.
type linter struct {
	data     []byte
	options  LintOptions
	lines    map[string]int // on which the value at a path begins
	prefix   string         // of the document within the file, where that is not the whole
	findings []finding.Finding
}

func newLinter(data []byte, o LintOptions) (*linter, error) {
	for _, client := range o.Clients {
		if !slices.Contains(AllClients(), client) {
			return nil, fault.New(fault.Usage, "Known clients are "+strings.Join(AllClients(), ", ")+".",
				fmt.Errorf("client %q is not known", client))
		}
	}
	if err := checkSize(data); err != nil {
		return nil, err
	}
	return &linter{data: data, options: o}, nil
}

// add notes a finding at a JSON path. text and repair are sentences without
// their full stop.
func (l *linter) add(r rule, path, text, repair string) {
	path = cmp.Or(l.prefix, "$") + strings.TrimPrefix(path, "$")
	line, above := 0, path
	for line == 0 && above != "" { // or the line of the nearest value above it that is there
		line = l.lines[above]
		above = above[:max(strings.LastIndexAny(above, ".["), 0)]
	}
	l.addLine(r, path, max(line, 1), text, repair)
}

func (l *linter) addLine(r rule, path string, line int, text, repair string) {
	clients := r.effects.list()
	if wanted := l.options.Clients; len(wanted) > 0 &&
		!slices.ContainsFunc(clients, func(c finding.Client) bool { return slices.Contains(wanted, c.Name) }) {
		return
	}
	l.findings = append(l.findings, finding.Finding{ID: r.id, Severity: r.severity, Place: path, Line: line, Clients: clients, Text: text, Repair: repair})
}

// read parses the document, judges its shape and decodes what can be decoded
// into msg. It reports whether the content can be judged.
func (l *linter) read(msg proto.Message) bool {
	tree, err := strict.Tree(l.data, "$", maxDepth)
	r := ruleSyntax
	if at := bytes.IndexByte(bytes.ToValidUTF8(l.data, []byte{0xFF}), 0xFF); at >= 0 { // a byte that is never valid
		r, err = ruleNotUTF8, strict.Problems{{Line: 1 + bytes.Count(l.data[:at], []byte("\n")), Reason: "not valid UTF-8"}}
	}
	if wrong, ok := errors.AsType[strict.Problems](err); ok {
		l.addLine(r, "$", wrong[0].Line, "Not a JSON document: "+wrong[0].Reason, "Write the file with a program rather than by hand")
		return false
	}
	l.lines = map[string]int{}
	l.number(tree)
	structure(l, tree, msg.ProtoReflect())
	options := protojson.UnmarshalOptions{DiscardUnknown: true}
	return options.Unmarshal(l.data, msg) == nil
}

// number notes the lines of a value and of all below it.
func (l *linter) number(n *strict.Node) {
	l.lines[n.Path], l.lines[jsonName(n.Path)] = n.Line, n.Line
	for _, item := range n.Items {
		l.number(item)
	}
	for _, f := range n.Fields {
		l.number(f.Value)
	}
}

// jsonName returns a path in protobuf's JSON names: its mapping also takes the
// names of the .proto file.
func jsonName(path string) string {
	parts := strings.Split(path, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// judged makes sure that what the judge refuses has a finding that says so.
func (l *linter) judged(ask func(Judge, []byte) error, data []byte) {
	if l.options.Judge == nil {
		return
	}
	err := ask(l.options.Judge, data)
	if err == nil || slices.ContainsFunc(l.findings, func(f finding.Finding) bool {
		return slices.Contains(f.Clients, finding.Client{Name: SigstoreGo, Effect: Refuses})
	}) {
		return
	}
	l.add(ruleRefused, "$", fmt.Sprintf("sigstore-go cannot read it: %v", errors.Unwrap(errors.Unwrap(err))), "Correct what the message names")
}

// Worst returns the findings as one error with fault.Verification when one of
// them has severity Error, and nil otherwise.
func Worst(findings []finding.Finding) error {
	if err := finding.Err(findings); err != nil {
		return fault.New(fault.Verification, "Each finding names its repair; build the file anew rather than editing it.", err)
	}
	return nil
}
