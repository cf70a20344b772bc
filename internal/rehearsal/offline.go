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
	"strconv"

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
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the offline program: %w", err)
	}
	return &Offline{Path: path, SHA256: digest.Hex(data)}, nil
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

// Run runs one command line and answers its questions.
func (o *Offline) Run(ctx context.Context, args ...string) ([]byte, error) {
	words := func() ([]string, error) { return nil, errors.New("the command has no request") }
	if i := slices.Index(args, "ceremony"); i >= 0 && i+2 < len(args) && args[i+1] == "run" {
		words = func() ([]string, error) { return o.words(ctx, args[i+2]) }
	}
	var data bytes.Buffer
	cmd := exec.CommandContext(ctx, o.Path, args...) //nolint:gosec // the program that the plan pins
	cmd.Stdout, cmd.Stderr = &data, o.Err
	err := pty.Run(cmd, func(shown string) (string, bool, error) {
		line, err := answer(shown, words)
		return line, line != "", err
	}, o.Err)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return data.Bytes(), fault.New(fault.Code(exit.ExitCode()), "", fmt.Errorf("%s ended with exit code %d", OfflineName, exit.ExitCode()))
	}
	return data.Bytes(), err
}

func (o *Offline) words(ctx context.Context, request string) ([]string, error) {
	text, err := o.Show(ctx, request)
	if err != nil {
		return nil, err
	}
	var shown struct {
		Words string `json:"words"`
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, err
	}
	return wordList.FindAllString(shown.Words, -1), nil
}

var (
	// the words stand numbered, or with nothing but space between them
	wordList    = regexp.MustCompile(`[A-Za-z]+`)
	typed       = regexp.MustCompile(`Type "?(.+?)"? to continue: $`)
	paper       = regexp.MustCompile(`Type word (\d+) from the paper: $`)
	secretAsked = regexp.MustCompile(`((?:PIN of|PUK of|New |Old |Management key|The (?:first|second) half)[^\n]*): $`)
)

// answer is what a person types after what the terminal shows; empty where
// nothing is secretAsked yet.
func answer(shown string, words func() ([]string, error)) (string, error) {
	if m := paper.FindStringSubmatch(shown); m != nil {
		all, err := words()
		n, _ := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > len(all) {
			return "", errors.Join(fmt.Errorf("the paper has no word %d", n), err)
		}
		return all[n-1], nil
	}
	if m := typed.FindStringSubmatch(shown); m != nil {
		return m[1], nil
	}
	if m := secretAsked.FindStringSubmatch(shown); m != nil {
		secret, err := Secret(m[1])
		return string(secret), err
	}
	return "", nil
}
