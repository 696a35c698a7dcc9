package smoke

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// cleanUpTime is how long deleting may take, also where the run was interrupted.
const cleanUpTime = time.Minute

// cleanUp deletes the objects of the run, and returns what it had to leave. The function deletes objects, of which the bucket keeps the
// versions; account B deletes those as well.
func (r *run) cleanUp(ctx context.Context) (left []string) {
	if len(r.touched) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	for _, key := range r.touched {
		if !r.may("delete") {
			left = append(left, fmt.Sprintf("s3://%s/%s: the function may not delete", r.BucketName, key))
			continue
		}
		if _, err := r.invoke(ctx, event{Operation: "delete", ObjectKey: key}); err != nil {
			left = append(left, fmt.Sprintf("s3://%s/%s: the function could not delete it: %v", r.BucketName, key, err))
		}
	}
	switch {
	case r.Owner != nil:
		if err := r.deleteVersions(ctx); err != nil {
			return append(left, fmt.Sprintf("versions and delete markers in s3://%s/%s: %v", r.BucketName, r.folder, err))
		}
		return nil
	case len(r.versions) > 0:
		left = append(left, fmt.Sprintf("versions and delete markers in s3://%s/%s, which only account B can delete: "+
			"--profile-b, or the setting expireVersionsAfterDays", r.BucketName, r.folder))
	}
	return left
}

// deleteVersions deletes every version and delete marker in the folder of the run. What is under a lock stays.
func (r *run) deleteVersions(ctx context.Context) error {
	failed, why := 0, ""
	pages := s3.NewListObjectVersionsPaginator(r.Owner, &s3.ListObjectVersionsInput{Bucket: &r.BucketName, Prefix: &r.folder})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("account B could not list them: %s", brief(err))
		}
		var versions []types.ObjectIdentifier
		for _, version := range page.Versions {
			versions = append(versions, types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
		}
		for _, marker := range page.DeleteMarkers {
			versions = append(versions, types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
		}
		for _, version := range versions {
			if _, err := r.Owner.DeleteObject(ctx, &s3.DeleteObjectInput{
				Bucket: &r.BucketName, Key: version.Key, VersionId: version.VersionId,
			}); err != nil {
				failed, why = failed+1, fmt.Sprintf("version %s of %s: %s", aws.ToString(version.VersionId), aws.ToString(version.Key), brief(err))
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("account B could not delete %d, as %s", failed, why)
	}
	return nil
}

// brief is an error of the SDK without the request that it happened in.
func brief(err error) string {
	code, message := OutcomeOf(err)
	return fmt.Sprintf("%s: %s", code, message)
}
