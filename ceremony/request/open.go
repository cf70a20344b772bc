package request

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

const hintOpen = "take the request from the admin host again, on a clean stick, and compare its digest with the one on paper"

// Open reads and checks a request: the folder, or its tar. It changes nothing
// and writes nothing. Whatever does not hold is fault.Verification, and all
// problems with the content are reported together; what breaks a bound stops
// the reading at once.
func Open(path string) (*Request, error) {
	r, err := open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) && !exists(path) {
			return nil, fault.New(fault.Usage, "name the request's folder or its tar", fmt.Errorf("open request: %w", err))
		}
		return nil, fault.New(fault.Verification, cmp.Or(fault.Hint(err), hintOpen), fmt.Errorf("request %s: %w", path, err))
	}
	r.Path = path
	return r, nil
}

func open(path string) (*Request, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		files, err := courier.ReadFolder(path, limits)
		if err != nil {
			return nil, err
		}
		return check(files)
	case info.Mode().IsRegular():
		data, err := courier.ReadTar(path, limits)
		if err != nil {
			return nil, err
		}
		return openTar(data)
	default:
		return nil, fmt.Errorf("%s, neither a folder nor a tar", courier.Kind(info.Mode()))
	}
}

func openTar(data []byte) (*Request, error) {
	files, folder, err := courier.Unpack(data, limits)
	if err != nil {
		return nil, err
	}
	r, err := check(files)
	if err != nil {
		return nil, err
	}
	if folder != r.Name() {
		return nil, fmt.Errorf("the folder in the tar is %s, the request is %s", folder, r.Name())
	}
	return r, checkPacked(data, r)
}

// check makes the request again from the files it came with: every byte must
// be the same.
func check(files map[string][]byte) (*Request, error) {
	if err := courier.CheckSums(files); err != nil {
		return nil, err
	}
	var missing []error
	for _, name := range []string{ManifestFile, PlanFile, LedgerFile} {
		if _, ok := files[name]; !ok {
			missing = append(missing, fmt.Errorf("%s: missing", name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	m, err := parseManifest(files[ManifestFile])
	if err != nil {
		return nil, err
	}
	in := Input{
		Ceremony: m.Ceremony,
		Sequence: m.Sequence,
		Plan:     files[PlanFile],
		Ledger:   files[LedgerFile],
		Created:  m.Created,
		Files:    maps.Clone(files),
	}
	for _, name := range []string{ManifestFile, PlanFile, LedgerFile, SumsFile} {
		delete(in.Files, name)
	}
	r, err := build(in)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(r.Files[ManifestFile], files[ManifestFile]) {
		return nil, m.differs(r.Manifest)
	}
	if !bytes.Equal(r.Files[SumsFile], files[SumsFile]) {
		return nil, fmt.Errorf("%s: not in the form that a request is written in", SumsFile)
	}
	return r, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// checkPacked refuses a tar that is not the one that courier.Pack writes: another
// order, owner or age, or bytes between and behind the files.
func checkPacked(data []byte, r *Request) error {
	want, err := courier.Pack(r.Name(), r.Manifest.Created, r.Files)
	if err != nil {
		return err
	}
	if bytes.Equal(data, want) {
		return nil
	}
	n := min(len(data), len(want))
	at := 0
	for at < n && data[at] == want[at] {
		at++
	}
	return fmt.Errorf("the files are right but the tar around them is not the one that was packed: it differs at byte %d", at)
}
