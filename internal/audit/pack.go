package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Names of a pack's files.
const (
	Directory = "directory" // the copy of the trust directory
	RowsFile  = "rows.json"
	PageFile  = "README.md"
)

// limits bound a pack that is read: ten years of a large instance fit.
var limits = courier.Limits{Files: 20000, File: courier.MaxFile, Total: 1 << 30, Depth: 12}

// Options say what records are judged with.
type Options struct {
	Linter    ceremony.Linter
	Rehearsal bool // accept the virtual tokens that the plan pins
}

// Pack makes the files of a pack, by slash-separated name.
func Pack(d *trustdir.Dir, o Options) (map[string][]byte, error) {
	files := map[string][]byte{}
	add := func(name string) error {
		data, err := courier.ReadFile(d.Join(name), courier.MaxFile)
		if err != nil {
			return err
		}
		files[Directory+"/"+name] = data
		return nil
	}
	for _, name := range append([]string{trustdir.PlanFile, trustdir.LedgerFile}, courier.Names(d.State.Digests)...) {
		if err := add(name); err != nil {
			return nil, fault.New(fault.Verification, "see what is missing or changed: trustroot ledger verify", err)
		}
	}
	if err := d.Ledger.VerifyFiles(d.FS()); err != nil {
		return nil, err
	}
	for _, r := range recordsOf(d) {
		err := fs.WalkDir(d.FS(), r.path, func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			return add(name)
		})
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", r.name, err)
		}
	}
	rows, made, err := rowsOf(d, o, files)
	if err != nil {
		return nil, err
	}
	for name, data := range made {
		files[name] = data
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the rows: %w", err)
	}
	files[RowsFile] = append(text, '\n')
	files[PageFile] = page(d, rows)
	files[courier.SumsFile] = courier.Sums(files)
	return files, nil
}

// filed is a record in the trust directory.
type filed struct{ name, path, day string }

func recordsOf(d *trustdir.Dir) []filed {
	var out []filed
	for _, e := range d.Ledger.Entries() {
		if r := e.Record; r != nil {
			out = append(out, filed{r.Ceremony, path.Dir(path.Dir(r.File.Path)), d.Plan.Ceremonies[r.Ceremony].Day})
		}
	}
	return out
}

// Check holds a pack against its digests, and against what is made from its own
// directory/ again. The error names the row, or the file where no row rests on
// it, and carries fault.Verification.
func Check(folder string, o Options) (rows int, err error) {
	bad := func(err error) error {
		return fault.New(fault.Verification, "do not rely on this pack: have `trustroot audit pack` make it again", err)
	}
	files, err := courier.ReadFolder(folder, limits)
	if err != nil {
		return 0, bad(err)
	}
	if err := compareSums(files); err != nil {
		return 0, bad(err)
	}
	d, err := trustdir.OpenToVerify(path.Join(folder, Directory))
	if err != nil {
		return 0, bad(err)
	}
	again, err := Pack(d, o)
	if err != nil {
		return 0, bad(fmt.Errorf("%s/: %w", Directory, err))
	}
	for _, name := range courier.Names(again) {
		if data, ok := files[name]; !ok || !bytes.Equal(data, again[name]) {
			return 0, bad(fmt.Errorf("%s: it is not what %s/ makes", name, Directory))
		}
	}
	for _, name := range courier.Names(files) {
		if _, ok := again[name]; !ok {
			return 0, bad(fmt.Errorf("%s: no row rests on it and the ledger does not speak of it", name))
		}
	}
	var all []Row
	if err := json.Unmarshal(files[RowsFile], &all); err != nil {
		return 0, bad(fmt.Errorf("%s: %w", RowsFile, err))
	}
	return len(all), nil
}

// compareSums compares every digest. A file that a row rests on is named with
// the row.
func compareSums(files map[string][]byte) error {
	err := courier.CheckSums(files)
	var rows []Row
	if json.Unmarshal(files[RowsFile], &rows) != nil {
		if err == nil {
			err = fmt.Errorf("%s does not parse", RowsFile)
		}
		return err
	}
	for _, r := range rows {
		data, ok := files[r.File]
		switch {
		case !ok:
			return fmt.Errorf("row %d, %s %s: %s is missing", r.Number, r.Kind, r.Name, r.File)
		case digest.Hex(data) != r.SHA256:
			return fmt.Errorf("row %d, %s %s: %s has the SHA-256 %s, the row says %s", r.Number, r.Kind, r.Name, r.File, digest.Hex(data), r.SHA256)
		}
	}
	if err == nil {
		return nil
	}
	// the file is part of a record, whose row names its SHA256SUMS
	for _, name := range courier.Names(files) {
		for _, r := range rows {
			within := path.Dir(path.Dir(r.File))
			if r.Kind == kindRecord && strings.HasPrefix(name, within+"/") && strings.Contains(err.Error(), name) {
				return fmt.Errorf("row %d, %s %s: %w", r.Number, r.Kind, r.Name, err)
			}
		}
	}
	return err
}

// page is the pack as a table.
func page(d *trustdir.Dir, rows []Row) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Audit pack of %s\n\n", cell(d.State.Organization))
	if d.State.Rehearsal {
		b.WriteString("**REHEARSAL: its tokens are virtual and prove nothing.**\n\n")
	}
	fmt.Fprintf(&b, "The ledger has %d lines; the last one's SHA-256 is %s.\n\n", d.State.Entries, d.State.Head)
	b.WriteString("Check all of it: `trustroot audit check .`, and the digests alone: `sha256sum -c SHA256SUMS`. Each row's command checks that row; run it in this folder.\n")
	for _, kind := range kinds {
		of := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Kind != kind.name })
		fmt.Fprintf(&b, "\n## %s\n\n", kind.title)
		if len(of) == 0 {
			b.WriteString("None.\n")
			continue
		}
		b.WriteString("| row | what | details | file | SHA-256 | check |\n|---|---|---|---|---|---|\n")
		for _, r := range of {
			fmt.Fprintf(&b, "| %d | %s | %s | %s | `%s` | `%s` |\n", r.Number, cell(r.Name), cell(strings.Join(r.Details, "; ")), cell(r.File), r.SHA256, cell(r.Check))
		}
	}
	return []byte(b.String())
}

// cell writes a text into a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "`", "'").Replace(text)
}
