"""Vendors' own decoders: JavaScript of the kind that LoRaWAN network servers run, `decodeUplink`.

Scripts come from outside and are not trusted. They run in processes of their own, which have nothing
(`child`) and are killed when they take too long (`runner`). None comes with Anju but an example: operators
put a vendor's file into the folder that ANJU_CODECS_DIR names, as `<codec>.js`.
"""
