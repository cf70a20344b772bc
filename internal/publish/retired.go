package publish

import (
	"fmt"
	"maps"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// retiredLog is a line of retired_logs.json, as gates read it.
type retiredLog struct {
	LogID      string `json:"log_id"`
	Checkpoint string `json:"checkpoint"`
}

// retiredLogs is the target with the last checkpoints of retired logs, and nil
// where none is retired. The checkpoint is that of every key that the same tree
// was signed with.
func retiredLogs(d *trustdir.Dir) ([]byte, error) {
	logs := []retiredLog{}
	for _, name := range slices.Sorted(maps.Keys(d.State.Logs)) {
		for _, g := range d.State.Logs[name] {
			if g.Retired == nil || g.Retired.Checkpoint == nil {
				continue
			}
			data, err := g.Retired.Checkpoint.Read(d.FS())
			if err != nil {
				return nil, fmt.Errorf("read the last checkpoint of %s: %w", trustdir.GenerationName(name, g.Number), err)
			}
			for _, same := range d.State.Logs[name] {
				if same.Log.Origin == g.Log.Origin && same.Log.URL == g.Log.URL {
					logs = append(logs, retiredLog{same.Log.LogID, string(data)})
				}
			}
		}
	}
	if len(logs) == 0 {
		return nil, nil
	}
	return strict.Indented(map[string]any{"logs": logs})
}
