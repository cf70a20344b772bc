package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/linnemanlabs/trustroot/internal/chain"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// lockWait is how long Open waits for the lock of a process that is just
// going away.
const lockWait = 2 * time.Second

const (
	hintSpace   = "free space and run the same command again"
	hintDamaged = "keep the file as evidence and give another output folder: a journal that was changed is not gone on with"
)

// Journal is an open journal, locked against other processes. Its methods may
// be called from several goroutines.
type Journal struct {
	path string
	now  func() time.Time
	hook Hook

	mu     sync.Mutex
	log    *durable.Log
	chain  *lines
	head   Head
	broken error // why nothing more is written
}

// Hook is called before and after every write to the disk, with a name of that
// point such as "before entry 3 intent sign fulcio". Its error is treated as an
// error of that write. Tests cut the power there; nil does nothing.
type Hook func(point string) error

// Create makes a journal that must not exist, with its first line. It is there
// with that line or not at all. now stamps the lines.
func Create(path string, head Head, now func() time.Time, hook Hook) (*Journal, error) {
	j := newJournal(path, now, hook)
	data, err := canonical(head)
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	e := Entry{Seq: 1, Prev: chain.First, Time: j.stamp(), Kind: KindOpen, Data: data}
	line, err := e.encode()
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	if err := errors.Join(head.check(), j.chain.admit(e)); err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	err = j.around("entry 1 open", func() error { return durable.Write(path, line, 0o600) })
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.New(fault.Usage, "give another output folder", fmt.Errorf("create journal: %w", err))
	}
	if err != nil {
		return nil, fault.New(fault.Failure, hintSpace, fmt.Errorf("create journal: %w", err))
	}
	if j.log, err = durable.OpenExistingLog(path, lockWait); err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	j.head = head
	j.chain.add(e, line)
	return j, nil
}

// Open goes on with a journal. It checks every line. A last line that a crash
// cut short is moved to a file beside the journal, and a line of kind torn
// says so; any other damage is refused with line and reason
// (fault.Verification).
func Open(path string, now func() time.Time, hook Hook) (*Journal, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSize {
		return nil, fault.New(fault.Verification, hintDamaged,
			fmt.Errorf("open journal: %s is not a regular file of at most %d bytes", path, maxSize))
	}
	j := newJournal(path, now, hook)
	if j.log, err = durable.OpenExistingLog(path, lockWait); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.log.Close())
	}
	return j, nil
}

func newJournal(path string, now func() time.Time, hook Hook) *Journal {
	if hook == nil {
		hook = func(string) error { return nil }
	}
	return &Journal{path: path, now: now, chain: newLines(), hook: hook}
}

// load reads the file, and sets aside what a crash left at its end.
func (j *Journal) load() error {
	data, err := j.log.Data()
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	whole, rest := split(data)
	if j.chain, err = read(whole); err == nil {
		err = j.readHead()
	}
	if err == nil {
		err = j.chain.torn(rest)
	}
	if err != nil {
		return fault.New(fault.Verification, hintDamaged, fmt.Errorf("journal %s: %w", j.path, err))
	}
	return j.repair(len(whole), rest)
}

// readHead takes the head from the first line.
func (j *Journal) readHead() error {
	if len(j.chain.entries) == 0 {
		return errors.New("there is no whole line")
	}
	head, err := parseHead(j.chain.entries[0])
	j.head = head
	return err
}

func parseHead(e Entry) (Head, error) {
	var head Head
	if err := json.Unmarshal(e.Data, &head); err != nil {
		return Head{}, fmt.Errorf("line 1: %w", err)
	}
	if err := head.check(); err != nil {
		return Head{}, fmt.Errorf("line 1: %w", err)
	}
	return head, nil
}

func (h Head) check() error {
	if h.Ceremony == "" || h.RequestDigest == "" {
		return errors.New("the head names no ceremony or no request")
	}
	return nil
}

// stamp is the time of the next line.
func (j *Journal) stamp() time.Time { return j.now().UTC().Truncate(time.Second) }

// around does one write to the disk between its two points.
func (j *Journal) around(point string, write func() error) error {
	if err := j.hook("before " + point); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return j.hook("after " + point)
}

// Close releases the file. It writes nothing: Finish does.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log == nil {
		return nil
	}
	err := j.log.Close()
	j.log = nil
	if err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}
