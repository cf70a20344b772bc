// Command reference writes what is made from trustroot's command tree:
//
//	go run ./scripts/reference man DIR            manual pages
//	go run ./scripts/reference completions DIR    for bash, zsh and fish
//	go run ./scripts/reference markdown           docs/reference.md, on standard output
//	go run ./scripts/reference words FILE         lines of SHA256SUMS with their digests in words
//
// The date of the pages is SOURCE_DATE_EPOCH's, or today.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/cli/reference"
	"github.com/linnemanlabs/trustroot/pki"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	root := programs.Trustroot(cmdutil.NewFactory(context.Background()))
	switch {
	case len(args) == 2 && args[0] == "man":
		date, err := day()
		if err != nil {
			return err
		}
		for _, page := range reference.Pages(root, date) {
			if err := os.WriteFile(filepath.Join(args[1], page.Name), []byte(page.Text), 0o644); err != nil {
				return err
			}
		}
		return nil
	case len(args) == 2 && args[0] == "completions":
		return completions(root, args[1])
	case len(args) == 2 && args[0] == "words":
		return words(args[1])
	case len(args) == 1 && args[0] == "markdown":
		fmt.Print(reference.Markdown(root))
		return nil
	default:
		return errors.New("usage: reference man DIR | completions DIR | markdown | words FILE")
	}
}

func day() (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return time.Now().UTC(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func completions(root *cobra.Command, dir string) error {
	return errors.Join(
		root.GenBashCompletionFileV2(filepath.Join(dir, "trustroot.bash"), true),
		root.GenZshCompletionFile(filepath.Join(dir, "_trustroot")),
		root.GenFishCompletionFile(filepath.Join(dir, "trustroot.fish"), true),
	)
}

func words(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		digest, err := hex.DecodeString(sum)
		if err != nil || len(digest) != 32 {
			return fmt.Errorf("%s: %q is not a line of sha256sum", path, lines.Text())
		}
		fmt.Printf("%s\n  %s\n", name, pki.Words(digest))
	}
	return lines.Err()
}
