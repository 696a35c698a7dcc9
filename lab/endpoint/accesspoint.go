package endpoint

import (
	"context"
	"net/http"
	"strings"
)

// enter finds the access point whose alias a request has in the place of a bucket's name, and puts the bucket there. The URL has been
// signed with the alias, so this comes after the signature.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html#access-points-alias
func (e *Endpoint) enter(ctx context.Context, r *request) error {
	alias, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if copied, err := copySource(r.Header); err == nil && copied != nil {
		if _, isAlias := e.world.AccessPointCalled(copied.bucket); isAlias {
			return &Error{http.StatusNotImplemented, "NotImplemented", "the lab copies from buckets, and not through access points"}
		}
	}
	point, isAlias := e.world.AccessPointCalled(alias)
	if !isAlias {
		return nil
	}
	if r.URL.Query().Has("versioning") {
		return notOffered(r.Method + " versioning through an access point")
	}
	inside := r.Clone(ctx)
	inside.URL.Path = "/" + point.Bucket + strings.TrimPrefix(r.URL.Path, "/"+alias)
	if r.URL.RawPath != "" {
		inside.URL.RawPath = "/" + point.Bucket + strings.TrimPrefix(r.URL.RawPath, "/"+alias)
	}
	r.Request, r.point = inside, &point
	return nil
}

// through is whether what a request needs is asked for through an access point: of the bucket that it leads to.
func (r *request) through(need ask) bool {
	if r.point == nil || need.copied {
		return false
	}
	arn := bucketARN(r.point.Bucket)
	return need.arn == arn || strings.HasPrefix(need.arn, arn+"/")
}
