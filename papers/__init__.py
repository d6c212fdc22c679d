"""Papers are the files of the shop, made and read: code lists, statements and tables; they know no database and no language."""
