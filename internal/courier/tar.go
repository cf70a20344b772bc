package courier

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
)

// Pack writes the one tar of a folder: its files sorted by name, regular, mode
// 0644, owned by 0, of one age, in USTAR form, without entries for folders.
func Pack(folder string, created time.Time, files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range Names(files) {
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

// ReadTar reads a tar whose size is bounded before: it has no more bytes than
// the files and their headers can add up to.
func ReadTar(path string, l Limits) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return ReadBounded(f, l.Total+int64(l.Files)*2048)
}

// Unpack reads the regular files of a tar into memory, all under one folder,
// whose name it returns. Every header is judged before its content is read.
func Unpack(data []byte, l Limits) (files map[string][]byte, folder string, err error) {
	files = map[string][]byte{}
	b := &Budget{limits: l}
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
			return nil, "", fmt.Errorf("%s: %s, not a regular file", Quote(header.Name), tarKind(header.Typeflag))
		}
		top, name, ok := strings.Cut(header.Name, "/")
		if !ok || l.CheckName(top) != nil {
			return nil, "", fmt.Errorf("%s: not a name that a file can have here", Quote(header.Name))
		}
		if err := l.CheckName(name); err != nil {
			return nil, "", fmt.Errorf("%s: %w", Quote(header.Name), err)
		}
		if folder == "" {
			folder = top
		}
		if top != folder {
			return nil, "", fmt.Errorf("%s: outside the folder %s", Quote(header.Name), folder)
		}
		if _, twice := files[name]; twice {
			return nil, "", fmt.Errorf("%s: twice in the tar", Quote(header.Name))
		}
		if err := b.Size(name, header.Size); err != nil {
			return nil, "", err
		}
		content, err := ReadExactly(r, header.Size)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", Quote(header.Name), err)
		}
		files[name] = content
	}
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
