-- name: private-elements
-- about: The private and unknown elements, and how often each occurs.
-- parameters: none
-- requires: OtherElements
SELECT
  element.Tag,
  COUNT(*) AS ElementCount
FROM metadata
CROSS JOIN UNNEST(OtherElements) AS element
GROUP BY element.Tag
ORDER BY ElementCount DESC, element.Tag
