-- name: dropped-tags
-- about: The elements that the metadata export left out, and in how many instances.
-- parameters: none
-- requires: DroppedTags
SELECT
  dropped.TagName,
  COUNT(*) AS InstanceCount
FROM metadata
CROSS JOIN UNNEST(DroppedTags) AS dropped
GROUP BY dropped.TagName
ORDER BY InstanceCount DESC, dropped.TagName
