package virtual

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
)

// slotsSymbol is the constant of vpcd that says how many slots a reader has.
const slotsSymbol = "vicc_max_slots"

// readDriver returns vpcd's driver with one slot a reader instead of two:
// programs that want exactly one card refuse a second, empty slot.
func readDriver(path string) ([]byte, error) {
	driver, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("driver of the readers: %w", err)
	}
	at, err := slotsOffset(driver)
	if err != nil {
		return nil, fmt.Errorf("driver of the readers %s: %w", path, err)
	}
	driver[at] = 1
	return driver, nil
}

// slotsOffset returns where in the file the constant lies, one byte.
func slotsOffset(driver []byte) (uint64, error) {
	f, err := elf.NewFile(bytes.NewReader(driver))
	if err != nil {
		return 0, err
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return 0, err
	}
	for _, s := range symbols {
		if s.Name != slotsSymbol || int(s.Section) >= len(f.Sections) {
			continue
		}
		section := f.Sections[s.Section]
		at := section.Offset + s.Value - section.Addr
		if s.Size != 1 || section.Type != elf.SHT_PROGBITS || at >= uint64(len(driver)) || driver[at] != 2 {
			break
		}
		return at, nil
	}
	return 0, errors.New("not vpcd as known: no constant " + slotsSymbol + " of two")
}
