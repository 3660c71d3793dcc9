//go:build linux || darwin

package store

import "golang.org/x/sys/unix"

// freeBytes gives what the file system of path has left for us; -1 when it does not say.
func freeBytes(path string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return -1
	}
	return int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // another type on darwin
}
