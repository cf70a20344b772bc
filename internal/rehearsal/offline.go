package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/pty"
)

// OfflineName is the program that is carried to the ceremony host.
const OfflineName = "trustroot-offline"

// Offline is a built trustroot-offline that plays the steps at a token, over a
// pseudo-terminal, as it does in the room.
type Offline struct {
	Path   string
	SHA256 string // hex
	Err    io.Writer
	// Show says what the request holds, as `request show --json` prints it.
	Show func(ctx context.Context, request string) ([]byte, error)
}

// FindOffline finds the program beside this one; nil where there is none.
func FindOffline() (*Offline, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(filepath.Dir(self), OfflineName)
	sum, err := digest.File(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the offline program: %w", err)
	}
	return &Offline{Path: path, SHA256: sum}, nil
}

// named wants a record's journal to name this program.
func (o *Offline) named(record string) error {
	journal, err := os.ReadFile(filepath.Join(record, "sealed", "journal.jsonl"))
	if err != nil {
		return fmt.Errorf("read the record's journal: %w", err)
	}
	if !bytes.Contains(journal, []byte(`"binary_sha256":"`+o.SHA256+`"`)) {
		return fmt.Errorf("the record names another program than %s with SHA-256 %s", o.Path, o.SHA256)
	}
	return nil
}

// AtToken reports whether a command line, after its --dir, is a step at a token
// that the offline program plays.
func AtToken(args []string) bool {
	if len(args) > 2 && args[0] == "--dir" {
		args = args[2:]
	}
	if len(args) < 2 {
		return false
	}
	switch args[0] + " " + args[1] {
	case "ceremony run", "ceremony witness", "tuf sign":
		return true
	case "tuf join":
		return !slices.Contains(args, "--accept")
	}
	return args[0] == "token" && args[1] != "virtual"
}

// paper has the secrets of the tokens.
const paper = `PUK[^\n]*: $` + "\t" + PUK + "\n" + `(?:PIN of|New |Old |Management key|The (?:first|second) half)[^\n]*: $` + "\t" + PIN + "\n"

// Run runs one command line and answers its questions.
func (o *Offline) Run(ctx context.Context, args ...string) ([]byte, error) {
	words := ""
	if i := slices.Index(args, "ceremony"); i >= 0 && i+2 < len(args) && args[i+1] == "run" {
		var err error
		if words, err = o.words(ctx, args[i+2]); err != nil {
			return nil, err
		}
	}
	person, err := pty.ReadPaper(paper + words)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	cmd := exec.CommandContext(ctx, o.Path, args...) //nolint:gosec // the program that the plan pins
	cmd.Stdout, cmd.Stderr = &data, o.Err
	err = pty.Run(cmd, person.Answer, o.Err)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return data.Bytes(), fault.New(fault.Code(exit.ExitCode()), "", fmt.Errorf("%s ended with exit code %d", OfflineName, exit.ExitCode()))
	}
	return data.Bytes(), err
}

// words are those of a request, in order: they stand numbered, or with nothing
// but space between them.
func (o *Offline) words(ctx context.Context, request string) (string, error) {
	text, err := o.Show(ctx, request)
	if err != nil {
		return "", err
	}
	var shown struct {
		Words string `json:"words"`
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return "", err
	}
	return strings.Join(wordList.FindAllString(shown.Words, -1), " "), nil
}

var wordList = regexp.MustCompile(`[A-Za-z]+`)
