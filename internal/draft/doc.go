// Package draft issues every certificate of a plan under throwaway keys and says
// how two certificates differ. Nothing that it makes is kept.
package draft
