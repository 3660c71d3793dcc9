package intake

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// rig is a file system on a loop device whose power can be cut: FS_IOC_SHUTDOWN drops all that was not synced.
type rig struct {
	device, mount string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	img := filepath.Join(dir, "disk")
	r := &rig{mount: filepath.Join(dir, "mount")}
	if err := os.Mkdir(r.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, 64<<20); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "losetup", "-f", "--show", img).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device (needs root on Linux): %v %s", err, bytes.TrimSpace(out))
	}
	r.device = strings.TrimSpace(string(out))
	t.Cleanup(func() {
		_ = syscall.Unmount(r.mount, syscall.MNT_DETACH) // may be unmounted already
		if out, err := exec.Command("losetup", "-d", r.device).CombinedOutput(); err != nil {
			t.Errorf("losetup -d: %v %s", err, out)
		}
	})
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", r.device).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4 is not there: %v %s", err, bytes.TrimSpace(out))
	}
	return r
}

func (r *rig) up(t *testing.T) {
	t.Helper()
	if err := syscall.Mount(r.device, r.mount, "ext4", 0, "commit=300,noauto_da_alloc"); err != nil {
		t.Skipf("a loop device cannot be mounted: %v", err)
	}
}

// cut shuts the file system down without flushing anything. It refuses anything that is not our own loop mount.
func (r *rig) cut(t *testing.T) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || !strings.Contains(string(mounts), r.device+" "+r.mount+" ext4 ") || !strings.HasPrefix(r.device, "/dev/loop") {
		t.Fatalf("not the mount point of our loop device: %v", err)
	}
	f, err := os.Open(r.mount)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const fsIocShutdown, noLogFlush = 0x8004587d, 2
	flags := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), fsIocShutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		t.Skipf("this kernel cannot shut a file system down: %v", errno)
	}
}

func (r *rig) down(t *testing.T) {
	t.Helper()
	if err := syscall.Unmount(r.mount, 0); err != nil {
		t.Fatal(err)
	}
}

// round lets a child write for a while, cuts the power, and gives the error of the check after the power is back.
func (r *rig) round(t *testing.T, p *promise, mode string, alive time.Duration) error {
	t.Helper()
	r.up(t)
	dir := filepath.Join(r.mount, "intake")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childMode+"="+mode, childPoint+"=none", childNth+"=1")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(alive)
	r.cut(t)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed, or stopped by the dead disk
	p.take(t, stdout.Bytes())
	r.down(t)
	r.up(t)
	err := p.kept(t.Context(), dir)
	r.down(t)
	return err
}

// The power is cut while the log is written: nothing acknowledged is lost. The control, the same log on a disk that is never
// told to sync, loses records under the same check, so that the check has teeth.
func TestPowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts file systems; not in short mode")
	}
	r := newRig(t)
	var p promise
	for i := range 5 {
		if err := r.round(t, &p, "", time.Duration(60+70*i)*time.Millisecond); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
	if p.acked == 0 {
		t.Fatal("nothing was ever acknowledged: the test proves nothing")
	}
	lost := 0
	for i := range 3 {
		var control promise
		r.up(t)
		if err := os.RemoveAll(filepath.Join(r.mount, "intake")); err != nil {
			t.Fatal(err)
		}
		syscall.Sync()
		r.down(t)
		if err := r.round(t, &control, "forgetful", time.Duration(200+70*i)*time.Millisecond); err != nil {
			lost++
		}
	}
	if lost == 0 {
		t.Fatal("the control without fsync lost nothing: the test proves nothing")
	}
	t.Logf("%d records acknowledged over 5 power cuts, none lost; the control failed %d times of 3", p.acked, lost)
}
