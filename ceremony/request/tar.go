package request

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// pack writes the one tar of a request: files sorted by name under the
// folder's, regular, mode 0644, owned by 0, as old as the request, in USTAR
// form, without entries for folders.
func pack(folder string, created time.Time, files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range courier.Names(files) {
		header := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     folder + "/" + name,
			Size:     int64(len(files[name])),
			Mode:     0o644,
			ModTime:  created.UTC().Truncate(time.Second),
			Format:   tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

// readTar reads a tar whose size is bounded before.
func readTar(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return courier.ReadBounded(f, maxTar)
}

// unpack reads the regular files of a tar into memory, all under one folder,
// whose name it returns. Every header is judged before its content is read.
func unpack(data []byte) (files map[string][]byte, folder string, err error) {
	files = map[string][]byte{}
	b := courier.NewBudget(limits)
	r := tar.NewReader(bytes.NewReader(data))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, folder, nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("not a tar: %w", err)
		}
		if err := b.Entry(); err != nil {
			return nil, "", err
		}
		if header.Typeflag != tar.TypeReg {
			return nil, "", fmt.Errorf("%s: %s, not a regular file", courier.Quote(header.Name), tarKind(header.Typeflag))
		}
		top, name, ok := strings.Cut(header.Name, "/")
		if !ok || limits.CheckName(top) != nil {
			return nil, "", fmt.Errorf("%s: not a name that a file of a request can have", courier.Quote(header.Name))
		}
		if err := limits.CheckName(name); err != nil {
			return nil, "", fmt.Errorf("%s: %w", courier.Quote(header.Name), err)
		}
		if folder == "" {
			folder = top
		}
		if top != folder {
			return nil, "", fmt.Errorf("%s: outside the folder %s", courier.Quote(header.Name), folder)
		}
		if _, twice := files[name]; twice {
			return nil, "", fmt.Errorf("%s: twice in the tar", courier.Quote(header.Name))
		}
		if err := b.Size(name, header.Size); err != nil {
			return nil, "", err
		}
		content, err := courier.ReadExactly(r, header.Size)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", courier.Quote(header.Name), err)
		}
		files[name] = content
	}
}

// checkPacked refuses a tar that is not the one that pack writes: another
// order, owner or age, or bytes between and behind the files.
func checkPacked(data []byte, r *Request) error {
	want, err := pack(r.Name(), r.Manifest.Created, r.Files)
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

func tarKind(flag byte) string {
	switch flag {
	case tar.TypeSymlink:
		return "a symbolic link"
	case tar.TypeLink:
		return "a hard link"
	case tar.TypeDir:
		return "a folder"
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a pipe"
	default:
		return fmt.Sprintf("an entry of type %q", flag)
	}
}
