package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// maxBundle bounds an archived bundle, in bytes.
const maxBundle = 4 << 20

// ReadBundle returns a bundle under the name of its file.
func ReadBundle(path string) (b trustedroot.Bundle, err error) {
	file, err := os.Open(path)
	if err != nil {
		return b, fault.New(fault.Usage, "check the path", fmt.Errorf("read a bundle: %w", err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err := io.ReadAll(io.LimitReader(file, maxBundle+1))
	if err != nil {
		return b, fmt.Errorf("read bundle %s: %w", path, err)
	}
	if len(data) > maxBundle {
		return b, fault.New(fault.Verification, "a bundle has a few kilobytes: name the right file", fmt.Errorf("bundle %s is larger than %d bytes", path, maxBundle))
	}
	return trustedroot.Bundle{Name: path, Data: data}, nil
}

// Bundles returns the archived bundles, ordered by path.
func Bundles(d *trustdir.Dir) ([]trustedroot.Bundle, error) {
	var out []trustedroot.Bundle
	err := fs.WalkDir(d.FS(), trustdir.BundlesDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !strings.HasSuffix(path, ".json") {
			return err
		}
		b, err := ReadBundle(d.Join(path))
		b.Name = path
		out = append(out, b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return out, nil
}
