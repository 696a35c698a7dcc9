package account

import (
	"time"

	"github.com/rclone/gofakes3"
)

// ObjectLock is the configuration that locks each new version of a bucket's objects: its mode is GOVERNANCE or COMPLIANCE, days an int.
const ObjectLock = "objectLock"

// The fields that a stored version has of its lock, as S3 answers them.
const (
	lockMode  = "X-Amz-Object-Lock-Mode"
	lockUntil = "X-Amz-Object-Lock-Retain-Until-Date"
)

// Lock is until when a version of an object may not be deleted. Without one, the mode is empty.
type Lock struct {
	Mode  string
	Until time.Time
}

// Holds says whether the version may not be deleted yet.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
func (w *World) Holds(lock Lock) bool { return lock.Mode != "" && w.now().Before(lock.Until) }

// Lock adds to what is stored of a new version how the bucket locks it.
func (w *World) Lock(bucketName string, metadata map[string]string) {
	bucket, err := w.Bucket(bucketName)
	if err != nil {
		return // Whoever stores it says so.
	}
	mode, _ := bucket.Configurations[ObjectLock]["mode"].(string)
	days, _ := bucket.Configurations[ObjectLock]["days"].(int)
	if mode != "" {
		metadata[lockMode], metadata[lockUntil] = mode, w.now().UTC().AddDate(0, 0, days).Format(time.RFC3339)
	}
}

// LockOf is the lock of a version of an object.
func (w *World) LockOf(bucket, key, version string) Lock {
	object, err := w.objects.HeadObjectVersion(bucket, key, gofakes3.VersionID(version))
	if err != nil || object == nil || object.IsDeleteMarker {
		return Lock{} // There is nothing to keep.
	}
	until, err := time.Parse(time.RFC3339, object.Metadata[lockUntil])
	if err != nil {
		return Lock{}
	}
	return Lock{Mode: object.Metadata[lockMode], Until: until}
}
