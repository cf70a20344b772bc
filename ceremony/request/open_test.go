package request

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// lay writes files as a folder, under a name of their own.
func lay(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "stick")
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, data, 0o644))
	}
	return dir
}

// openRefused wants path refused quickly and in little memory.
func openRefused(t *testing.T, path string, names ...string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, err := Open(path)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	refused(t, err, names...)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4*uint64(limits.Total) || took > 5*time.Second {
		t.Errorf("refused after %s with %d bytes of memory", took, used)
	}
}

func TestOpen_EveryFileChanged(t *testing.T) {
	r := create(t, newWorld(t).renewal())
	for name, data := range r.Files {
		for _, at := range []int{0, len(data) / 2, len(data) - 1} {
			files := maps.Clone(r.Files)
			files[name] = bytes.Clone(data)
			files[name][at] ^= 0x01
			openRefused(t, lay(t, files), name)
		}
	}
}

func TestOpen_EveryFileMissing(t *testing.T) {
	r := create(t, newWorld(t).renewal())
	for name := range r.Files {
		openRefused(t, lay(t, without(r.Files, name)), name, "missing")
		files := without(r.Files, name)
		if name == SumsFile {
			continue
		}
		files[SumsFile] = courier.Sums(files) // a forger leaves no trace in the sums
		openRefused(t, lay(t, files), name, "missing")
	}
}

func TestOpen_ExtraFile(t *testing.T) {
	r := create(t, newWorld(t).founding())
	for _, extra := range []string{"README", "authorities/fulcio/g1/chain.pem", "authorities/extra/g1/request.csr"} {
		files := maps.Clone(r.Files)
		files[extra] = []byte("x")
		openRefused(t, lay(t, files), extra, "extra")
		files[SumsFile] = courier.Sums(files)
		openRefused(t, lay(t, files), extra, "extra")
	}
}

func TestOpen_OtherKinds(t *testing.T) {
	r := create(t, newWorld(t).founding())
	target := lay(t, map[string][]byte{"request.csr": r.Files[fulcioCSR]})
	for what, place := range map[string]func(path string) error{
		"a symbolic link": func(path string) error { return os.Symlink(filepath.Join(target, "request.csr"), path) },
		"a pipe":          func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"level":           func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		dir := lay(t, without(r.Files, fulcioCSR))
		must(t, place(filepath.Join(dir, fulcioCSR)))
		openRefused(t, dir, fulcioCSR, what)
	}
	dir := lay(t, without(r.Files, fulcioCSR, fulcioKey))
	must(t, os.Symlink(target, filepath.Join(dir, "authorities/fulcio")))
	openRefused(t, dir, "authorities/fulcio", "a symbolic link")
	link := filepath.Join(t.TempDir(), "0001-founding")
	must(t, os.Symlink(r.Path, link))
	openRefused(t, link, "a symbolic link")
	pipe := filepath.Join(t.TempDir(), "0001-founding.tar")
	must(t, syscall.Mkfifo(pipe, 0o644))
	openRefused(t, pipe, "a pipe")
}

func TestOpen_Names(t *testing.T) {
	r := create(t, newWorld(t).founding())
	for _, name := range []string{".hidden", "a\x1b[2Jb", "white space", "ü", strings.Repeat("a", 65)} {
		files := maps.Clone(r.Files)
		files[name] = []byte("x")
		openRefused(t, lay(t, files), courier.Quote(name), "not a name")
	}
}

func TestOpen_TooMuch(t *testing.T) {
	r := create(t, newWorld(t).founding())
	t.Run("a hundred thousand files", func(t *testing.T) {
		dir := lay(t, r.Files)
		for i := range 100_000 {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("f%d", i)))
			must(t, err)
			must(t, f.Close())
		}
		openRefused(t, dir, "more than 1000 files")
	})
	t.Run("ten gigabytes", func(t *testing.T) {
		for _, name := range []string{fulcioCSR, LedgerFile, SumsFile} {
			dir := lay(t, r.Files)
			must(t, os.Truncate(filepath.Join(dir, name), 10<<30))
			openRefused(t, dir, name, "10737418240 bytes")
		}
	})
	t.Run("many big files", func(t *testing.T) {
		dir := lay(t, r.Files)
		for i := range 40 {
			path := filepath.Join(dir, fmt.Sprintf("big%d", i))
			must(t, os.WriteFile(path, nil, 0o644))
			must(t, os.Truncate(path, limits.File))
		}
		openRefused(t, dir, "bytes together")
	})
	t.Run("deep", func(t *testing.T) {
		dir := lay(t, r.Files)
		must(t, os.MkdirAll(filepath.Join(dir, strings.Repeat("a/", 100)), 0o755))
		openRefused(t, dir, "4 levels deep")
	})
}

func TestOpen_NotThere(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "0001-founding")); fault.ExitCode(err) != int(fault.Usage) {
		t.Fatalf("got %v, want a usage fault", err)
	}
}

// forge changes files and makes the sums fit, as whoever holds the stick can.
func forge(t *testing.T, r *Request, edit func(files map[string][]byte, m *Manifest)) map[string][]byte {
	t.Helper()
	files := maps.Clone(r.Files)
	var m Manifest
	must(t, json.Unmarshal(files[ManifestFile], &m))
	edit(files, &m)
	text, err := m.encode()
	must(t, err)
	files[ManifestFile] = text
	files[SumsFile] = courier.Sums(files)
	return files
}

func TestOpen_ForgedKey(t *testing.T) {
	w := newWorld(t)
	r := create(t, w.founding())
	files := forge(t, r, func(files map[string][]byte, m *Manifest) {
		files[fulcioCSR], files[fulcioKey] = w.csr("fulcio/2", "Example Fulcio CA"), w.evidence("fulcio/2", 1)
		m.Items[1].SPKISHA256 = w.pin("fulcio/2")
	})
	openRefused(t, lay(t, files), "fulcio generation 1", groups(w.pin("fulcio/1")), groups(w.pin("fulcio/2")), "the plan pins")
}

func TestOpen_ForgedManifest(t *testing.T) {
	r := create(t, newWorld(t).renewal())
	for name, edit := range map[string]func(*Manifest){
		"number is 9":         func(m *Manifest) { m.Sequence = 9 },
		`no ceremony "other"`: func(m *Manifest) { m.Ceremony = "other" },
		"organization":        func(m *Manifest) { m.Organization = "example.net" },
		"created":             func(m *Manifest) { m.Created = m.Created.Add(time.Millisecond) },
		"ledger_head":         func(m *Manifest) { m.LedgerHead = strings.Repeat("0", 64) },
		"ledger_entries":      func(m *Manifest) { m.LedgerEntries++ },
		"root is":             func(m *Manifest) { m.Root = "" },
		"number of items":     func(m *Manifest) { m.Items = m.Items[:1] },
		"item 1":              func(m *Manifest) { m.Items[0].Source = SourceExternal },
		"item 2":              func(m *Manifest) { m.Items[1].Previous = m.Root },
		"version 2":           func(m *Manifest) { m.Version = 2 },
	} {
		files := forge(t, r, func(_ map[string][]byte, m *Manifest) { edit(m) })
		openRefused(t, lay(t, files), name)
	}
}

func TestOpen_ManifestForm(t *testing.T) {
	r := create(t, newWorld(t).founding())
	for what, text := range map[string]string{
		"not in the form": strings.Replace(string(r.Files[ManifestFile]), "  ", "\t", 1),
		"unknown field":   strings.Replace(string(r.Files[ManifestFile]), `"version"`, `"x": 1, "version"`, 1),
		"second time":     strings.Replace(string(r.Files[ManifestFile]), `"version"`, `"version": 1, "version"`, 1),
	} {
		files := maps.Clone(r.Files)
		files[ManifestFile] = []byte(text)
		files[SumsFile] = courier.Sums(files)
		openRefused(t, lay(t, files), ManifestFile, what)
	}
}

func TestOpen_LedgerCutAtALine(t *testing.T) {
	r := create(t, newWorld(t).renewal())
	lines := bytes.SplitAfter(r.LedgerBytes, []byte("\n"))
	for n := 1; n < len(lines)-1; n++ {
		cut := bytes.Join(lines[:n], nil)
		openRefused(t, lay(t, forge(t, r, func(files map[string][]byte, _ *Manifest) { files[LedgerFile] = cut })), "")
	}
	torn := r.LedgerBytes[:len(r.LedgerBytes)-1]
	openRefused(t, lay(t, forge(t, r, func(files map[string][]byte, _ *Manifest) { files[LedgerFile] = torn })), LedgerFile)
}

func TestOpen_SumsForm(t *testing.T) {
	r := create(t, newWorld(t).founding())
	text := string(r.Files[SumsFile])
	first, rest, _ := strings.Cut(text, "\n")
	for what, sums := range map[string]string{
		"not in order":    rest + first + "\n",
		"twice":           first + "\n" + text,
		"not a SHA-256":   "\n" + text,
		"two spaces":      strings.Replace(text, "  ", " *", 1),
		"does not belong": strings.Replace(text, "pki.yaml", "../pki.yaml", 1),
		"line 1":          strings.ToUpper(first) + "\n" + rest,
		"and a name":      strings.TrimSuffix(text, "\n"),
	} {
		files := maps.Clone(r.Files)
		files[SumsFile] = []byte(sums)
		openRefused(t, lay(t, files), SumsFile, what)
	}
}
