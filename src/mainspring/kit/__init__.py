"""Words of no domain: errors, ids, time, SQL dialects, pages, filters, permissions and actors."""
